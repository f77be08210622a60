import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WorkloadDirectory } from './workload-directory.ts';

const ID = 'spiffe://cluster.local/ns/web/sa/api';
const HOUR = 3_600_000;

interface Fixture {
  readonly directory: WorkloadDirectory;
  readonly changed: string[];
  readonly time: { now: number };
  learn(serial: string, labels: Record<string, string>, notAfter?: number): void;
  told(): unknown;
}

function open(): Fixture {
  const time = { now: 0 };
  const changed: string[] = [];
  const directory = new WorkloadDirectory({
    now: () => time.now,
    wentBack: () => learn('01', { v: '1' }),
    changed: (spiffeId) => changed.push(spiffeId),
  });
  const learn: Fixture['learn'] = (serial, labels, notAfter = HOUR) =>
    directory.learn({
      spiffeId: ID,
      serial,
      notAfter,
      workload: { namespace: 'web', serviceAccount: 'api', service: '', labels },
    });
  return {
    directory,
    changed,
    time,
    learn,
    told: () => directory.get(ID)?.variants.map(({ labels, serials }) => [labels, serials]),
  };
}

describe('the directory of workloads', () => {
  it('tells the labels of an identity without its certificates while all holders are alike', () => {
    const { learn, told, changed, directory } = open();
    learn('01', { app: 'api', v: '1' });
    learn('02', { v: '1', app: 'api' });
    assert.deepEqual(told(), [[{ app: 'api', v: '1' }, []]]);
    assert.equal(directory.get(ID)?.namespace, 'web');
    assert.deepEqual(changed, [ID], 'a renewal changes nothing');
  });

  it('tells certificates apart as soon as holders differ, and every new one from then on', () => {
    const { learn, told, changed } = open();
    learn('01', { v: '1' });
    learn('02', { v: '2' });
    learn('03', { v: '2' });
    assert.deepEqual(told(), [
      [{ v: '1' }, ['01']],
      [{ v: '2' }, ['02', '03']],
    ]);
    assert.equal(changed.length, 3);
  });

  it('forgets a revoked certificate, and the identity with its last one', () => {
    const { learn, told, changed, directory } = open();
    learn('01', { v: '1' });
    learn('02', { v: '2' });
    directory.forget(['02']);
    assert.deepEqual(told(), [[{ v: '1' }, []]]);
    directory.forget(['99']);
    directory.forget(['01']);
    assert.equal(told(), undefined);
    assert.deepEqual(directory.all(), []);
    assert.equal(changed.length, 4);
  });

  it('forgets certificates that have ended', () => {
    const { learn, told, time } = open();
    learn('01', { v: '1' });
    time.now = HOUR + 1;
    learn('02', { v: '2' }, 2 * HOUR);
    assert.deepEqual(told(), [[{ v: '2' }, []]]);
  });

  it('learns again what had ended when the clock goes back', () => {
    const { learn, told, time, directory } = open();
    learn('01', { v: '1' });
    time.now = 2 * HOUR;
    directory.tick();
    assert.equal(told(), undefined);
    time.now = HOUR / 2;
    directory.tick();
    assert.deepEqual(told(), [[{ v: '1' }, []]]);
  });
});
