import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';

import { fail, ok } from '@rampart/core';
import type { Result } from '@rampart/core';
import { TestCa } from '@rampart/testkit';
import { SettableClock } from '@rampart/testkit/fake-clock';
import { SyncUpdate } from '@rampart/wire/agent';
import { createLineLog } from '@rampart/mesh';

import { ChangeSignal } from '../change-signal.ts';
import type { IssuanceProblem } from '../control/issuance.ts';
import type { HostEntry } from '../entries/host-entry.ts';
import { HostView } from '../entries/host-view.ts';
import type { WorkloadSvid } from './workload-svid.ts';
import { X509Keeper } from './x509-keeper.ts';

const HOUR_MS = 3_600_000;
const log = createLineLog('agent', 'silent', () => undefined);
const SERIAL = Uint8Array.of(1);

interface Asked {
  readonly id: string;
  readonly at: number;
}

describe('SVIDs that the agent keeps', () => {
  let clock: SettableClock;
  let ca: TestCa;
  let changes: ChangeSignal;
  let view: HostView;
  let asked: Asked[];
  let problem: IssuanceProblem | undefined;
  let epoch: number;
  let authorityKeyId: Uint8Array;
  let renewAfter: number | undefined;
  let keeper: X509Keeper;

  beforeEach(async () => {
    clock = new SettableClock();
    ca = await TestCa.create('cluster.local', clock.now());
    changes = new ChangeSignal();
    view = new HostView({ changes, clock, log });
    asked = [];
    problem = undefined;
    epoch = 1;
    authorityKeyId = Uint8Array.of(1);
    renewAfter = undefined;
    keeper = keeperOf();
    tell({ reset: true, entries: [entryOf('a'), entryOf('b'), entryOf('c')], bundles: [bundleOf(ca)] });
  });

  function keeperOf(limit = 10, issuedAt?: number): X509Keeper {
    const issueThen = (of: HostEntry): ReturnType<typeof issue> => issue(of, issuedAt);
    return new X509Keeper({
      view,
      changes,
      clock,
      random: () => 0.5,
      log,
      limit,
      issue: issueThen,
      epoch: () => epoch,
    });
  }

  const bundleOf = ({ rootDer }: TestCa): SyncUpdate['bundles'][number] => ({
    trustDomain: 'cluster.local',
    roots: [rootDer],
    jwks: '{"keys":[]}',
    sequence: 1n,
    refreshHintSeconds: 0,
  });

  const entryOf = (name: string, spec: Partial<SyncUpdate['entries'][number]> = {}): SyncUpdate['entries'][number] => ({
    id: name,
    spiffeId: `spiffe://cluster.local/ns/test/sa/${name}`,
    selectors: ['unix:uid:1'],
    workload: undefined,
    dnsNames: [],
    x509TtlSeconds: 0,
    jwtTtlSeconds: 0,
    federatesWith: [],
    hint: '',
    admin: false,
    revision: 1n,
    expiresAt: 0n,
    ...spec,
  });

  function tell(update: Partial<SyncUpdate>): void {
    const nothing = SyncUpdate.decode(new Uint8Array());
    view.apply({ ...nothing, ...update }, ca.trustDomain);
  }

  function entry(name: string): HostEntry {
    const found = view.entry(name);
    assert.ok(found !== undefined, `there is no entry ${name}`);
    return found;
  }

  async function issue(
    { id, spiffeId, terms }: HostEntry,
    issuedAt: number = clock.now(),
  ): Promise<Result<WorkloadSvid, IssuanceProblem>> {
    asked.push({ id, at: clock.now() });
    if (problem !== undefined) return fail(problem);
    const serviceAccount = spiffeId.serviceAccount ?? '';
    const { der, serial, notBefore, notAfter } = await ca.issue(issuedAt, { namespace: 'test', serviceAccount });
    const times = { notBefore, notAfter, renewAt: renewAfter === undefined ? undefined : clock.now() + renewAfter };
    return ok({ spiffeId, chain: [der], key: SERIAL, serial, ...times, authorityKeyId, terms });
  }

  async function serialOf(name: string): Promise<string> {
    const got = await keeper.get(entry(name));
    return got.ok ? got.value.serial : got.problem.kind;
  }

  it('are issued once, however many ask', async () => {
    const serials = await Promise.all([serialOf('a'), serialOf('a'), serialOf('a')]);
    assert.equal(new Set(serials).size, 1);
    assert.equal(await serialOf('a'), serials[0]);
    assert.equal(asked.length, 1);
  });

  it('are renewed at half of their life while somebody listens', async () => {
    const release = keeper.watch(entry('a'));
    const first = await serialOf('a');
    const { version } = changes;
    await clock.advance(HOUR_MS / 2 + 1_000);
    assert.notEqual(await serialOf('a'), first);
    assert.ok(changes.version > version);
    assert.equal(asked.length, 2);
    release();
  });

  it('are renewed when their issuer says', async () => {
    renewAfter = 0.75 * HOUR_MS;
    keeper.watch(entry('a'));
    await serialOf('a');
    await clock.advance(0.74 * HOUR_MS);
    assert.equal(asked.length, 1);
    await clock.advance(0.02 * HOUR_MS);
    assert.equal(asked.length, 2);
  });

  for (const { way, by } of [
    { way: 'ahead', by: 2 * HOUR_MS },
    { way: 'back', by: -2 * HOUR_MS },
  ]) {
    it(`are new a minute after the clock jumped ${way}, and whoever listens is told`, async () => {
      keeper.watch(entry('a'));
      const first = await serialOf('a');
      const { version } = changes;
      clock.set(by);
      await clock.advance(61_000);
      assert.ok(changes.version > version);
      assert.notEqual(await serialOf('a'), first);
    });
  }

  it('are replaced when their authority is tainted, and used until then', async () => {
    const first = await serialOf('a');
    tell({ taintedKeyIds: [Uint8Array.of(1)] });
    problem = { kind: 'unavailable', message: 'away' };
    assert.deepEqual([await serialOf('a'), await serialOf('a'), asked.length], [first, first, 2]);
    problem = undefined;
    authorityKeyId = Uint8Array.of(2);
    await clock.advance(2_000);
    const second = await serialOf('a');
    assert.notEqual(second, first);
    assert.equal(await serialOf('a'), second);
    assert.equal(asked.length, 3);
  });

  it('are not asked for in a loop by a control plane that goes on with what it tainted', async () => {
    await serialOf('a');
    tell({ taintedKeyIds: [Uint8Array.of(1)] });
    const second = await serialOf('a');
    assert.deepEqual([await serialOf('a'), asked.length], [second, 2]);
  });

  it('end when nobody asked for them through half of their life', async () => {
    await serialOf('a');
    await clock.advance(3 * HOUR_MS);
    assert.equal(asked.length, 1);
    assert.equal(clock.pending, 0);
  });

  it('serve on while the control plane is away, to their end and no longer', async () => {
    keeper.watch(entry('a'));
    const first = await serialOf('a');
    problem = { kind: 'unavailable', message: 'away' };
    await clock.advance(HOUR_MS - 60_000);
    assert.equal(await serialOf('a'), first);
    assert.ok(asked.length > 2);
    await clock.advance(120_000);
    assert.equal(await serialOf('a'), 'unavailable');
    problem = undefined;
    await clock.advance(60_000);
    assert.notEqual(await serialOf('a'), first);
  });

  it('are not asked for again at once after a failure, unless the control plane has come back', async () => {
    problem = { kind: 'unavailable', message: 'away' };
    assert.deepEqual([await serialOf('a'), await serialOf('a'), asked.length], ['unavailable', 'unavailable', 1]);
    epoch += 1;
    problem = undefined;
    assert.notEqual(await serialOf('a'), 'unavailable');
  });

  it('are of no use by a clock that is ahead of all of their life, and say so', async () => {
    const issued = clock.now();
    clock.set(2 * 3_600_000);
    const got = await keeperOf(10, issued).get(entry('a'));
    assert.match(got.ok ? '' : got.problem.message, /over by the clock of this host, which is ahead/);
    assert.equal(asked.length, 1);
  });

  it('are replaced when their entry says something else', async () => {
    const first = await serialOf('a');
    tell({ entries: [entryOf('a', { hint: 'other' })] });
    assert.equal(await serialOf('a'), first);
    tell({ entries: [entryOf('a', { dnsNames: ['a.test'] })] });
    assert.notEqual(await serialOf('a'), first);
  });

  it('are replaced when they are revoked, by serial or by rule', async () => {
    const first = await serialOf('a');
    tell({ revokedSerials: [first] });
    const second = await serialOf('a');
    assert.notEqual(second, first);
    await clock.advance(20_000);
    const rule = { id: 'r', trustDomain: 'cluster.local', spiffeId: entry('a').spiffeId.toString(), namespace: '' };
    const until = BigInt(clock.now() - 15_000);
    tell({
      revocationRules: [{ ...rule, issuerKeyId: '', notBeforeUntil: until, issuedUntil: until, reason: 1 }],
    });
    assert.notEqual(await serialOf('a'), second);
  });

  it('are replaced when their authority is no longer trusted, without asking again and again for what is not either', async () => {
    const first = await serialOf('a');
    const next = await TestCa.create('cluster.local', clock.now());
    tell({ bundles: [bundleOf(next)] });
    assert.deepEqual([await serialOf('a'), await serialOf('a'), asked.length], ['unavailable', 'unavailable', 2]);
    ca = next;
    await clock.advance(2_000);
    assert.notEqual(await serialOf('a'), first);
  });

  it('are forgotten with their entry', async () => {
    await serialOf('a');
    tell({ removedEntryIds: ['a'] });
    await serialOf('b');
    assert.equal(clock.pending, 1);
  });

  it('are bounded: who was asked for longest ago goes, unless somebody listens', async () => {
    keeper = keeperOf(2);
    const release = keeper.watch(entry('a'));
    const first = await serialOf('a');
    await serialOf('b');
    await serialOf('c');
    assert.equal(await serialOf('a'), first);
    const releaseC = keeper.watch(entry('c'));
    assert.equal(await serialOf('b'), 'unavailable');
    release();
    releaseC();
    assert.notEqual(await serialOf('b'), 'unavailable');
  });

  it('end with an entry that ends, also while the control plane is away', async () => {
    tell({ entries: [entryOf('a', { expiresAt: BigInt(clock.now() + 60_000) })] });
    await serialOf('a');
    const { version } = changes;
    await clock.advance(61_000);
    assert.ok(changes.version > version);
    assert.equal(view.entry('a'), undefined);
  });
});
