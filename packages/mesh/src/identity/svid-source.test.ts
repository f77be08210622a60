import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { TrustDomain } from '@rampart/core';
import { TestCa } from '@rampart/testkit';
import { SettableClock } from '@rampart/testkit/fake-clock';
import { createSvid, type Svid } from './svid.ts';
import { SvidSource } from './svid-source.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const T0 = Date.UTC(2026, 0, 20);
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let ca: TestCa;
before(async () => {
  ca = await TestCa.create('cluster.local', T0 - 2 * DAY);
});

interface Scene {
  readonly clock: SettableClock;
  readonly source: SvidSource;
  /** When each certificate was asked for, in hours after the start. */
  readonly asked: number[];
  /** What people were told, with its cause. */
  readonly told: string[];
  /** Has it fail from now on, or no more. */
  failWith(error: Error | undefined): void;
}

/** A source whose control plane gives certificates of a day, by a clock that is `aheadMs` ahead. */
async function scene(renewShare?: number, aheadMs = 0): Promise<Scene> {
  const clock = new SettableClock(T0);
  const asked: number[] = [];
  const told: string[] = [];
  let failure: Error | undefined;
  const issue = async (): Promise<Svid> => {
    asked.push((clock.now() - T0) / HOUR);
    if (failure !== undefined) throw failure;
    const now = clock.now() + aheadMs;
    const own = await ca.issue(now, {
      namespace: 'default',
      serviceAccount: 'orders',
      notBefore: now - 10_000,
      notAfter: now + DAY,
    });
    const bundle = {
      trustDomain: TrustDomain.of('cluster.local'),
      roots: [ca.rootDer],
      jwtAuthorities: [],
      sequence: 1,
    };
    const renewAt = renewShare === undefined ? undefined : now + DAY * renewShare;
    return createSvid({ ...own, chain: [own.der], bundle, renewAt });
  };
  const error = (message: string, { cause }: { readonly cause?: Error } = {}): void => {
    told.push(`${message} ${cause?.message ?? ''}`);
  };
  const issuer = { attest: issue, renew: issue };
  const source = new SvidSource({ issuer, clock, random: () => 0.5, log: { ...log, error } });
  source.start();
  await clock.advance(0);
  await clock.advance(0);
  return { clock, source, asked, told, failWith: (thrown) => void (failure = thrown) };
}

function hours(asked: readonly number[]): number[] {
  return asked.map((hour) => Math.round(hour * 10) / 10);
}

describe('a certificate is renewed', () => {
  it('at half of its life', async () => {
    const { clock, asked } = await scene();
    await clock.advance(37 * HOUR);
    assert.deepEqual(hours(asked), [0, 12, 24, 36]);
  });

  it('when its issuer says, at three quarters', async () => {
    const { clock, asked } = await scene(0.75);
    await clock.advance(37 * HOUR);
    assert.deepEqual(hours(asked), [0, 18, 36]);
  });

  it('at once when it is to be rotated, and says that the last one is to be left', async () => {
    const { clock, source, asked } = await scene();
    assert.equal(source.current?.isUrgent, undefined);
    source.rotateNow();
    source.rotateNow();
    await clock.advance(10);
    assert.equal(asked.length, 2);
    assert.equal(source.current?.isUrgent, true);
    await clock.advance(13 * HOUR);
    assert.equal(source.current?.isUrgent, undefined);
  });

  it('within a minute after the clock has jumped ahead', async () => {
    const { clock, asked } = await scene();
    clock.set(20 * HOUR);
    await clock.advance(60_000);
    assert.deepEqual(hours(asked), [0, 20]);
  });

  it('within a minute after the clock has jumped back to before its beginning, and not again and again', async () => {
    const { clock, asked, source } = await scene();
    clock.set(-20 * HOUR);
    await clock.advance(60_000);
    assert.deepEqual(hours(asked), [0, -20]);
    await clock.advance(11 * HOUR);
    assert.equal(asked.length, 2);
    assert.ok((source.current?.notBefore ?? 0) < clock.now());
  });

  it('no sooner, and not each minute, where the clock of the control plane is ahead', async () => {
    const { clock, asked } = await scene(undefined, 30_000);
    await clock.advance(13 * HOUR);
    assert.deepEqual(hours(asked), [0, 12]);
  });

  it('now and then only, where each is over when it comes, because the clock is ahead of the control plane’s', async () => {
    const { clock, asked, told } = await scene(undefined, -25 * HOUR);
    await clock.advance(12 * HOUR);
    assert.ok(asked.length > 5 && asked.length <= 11, `${asked.length} certificates in half a day`);
    assert.deepEqual(
      told.map((text) => text.replace(/:.*/, '')),
      ['the clock of this host is about 25 hours ahead of that of the control plane'],
    );
  });

  it('and people are told of a clock that is behind', async () => {
    const { told } = await scene(undefined, 10 * 60_000);
    assert.match(told.join(), /^the clock of this host is about 10 minutes behind that of the control plane/);
  });

  it('without haste once it has ended, and people are told of that', async () => {
    const { clock, asked, told, failWith } = await scene();
    failWith(new Error('nobody is there'));
    await clock.advance(24 * HOUR);
    const before = asked.length;
    await clock.advance(HOUR);
    assert.ok(asked.length - before <= 400, `${asked.length - before} attempts in an hour`);
    assert.match(told.join('|'), /^the certificate of this workload has ended[^|]*$/);
  });

  for (const code of ['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED']) {
    it(`as soon as the clocks agree; people are told which one to look at (${code})`, async () => {
      const { clock, told, failWith } = await scene();
      failWith(Object.assign(new Error('certificate is not right'), { code }));
      await clock.advance(13 * HOUR);
      assert.match(
        told.join('|'),
        /^no identity can be asked for; it goes on trying[^|]* by the clock of this host, which says 2026-01-20T[^|]*$/,
      );
      failWith(undefined);
      await clock.advance(HOUR);
    });
  }

  it('no sooner after the clock has jumped back a little', async () => {
    const { clock, asked } = await scene();
    clock.set(-5000);
    await clock.advance(11 * HOUR);
    assert.equal(asked.length, 1);
  });
});

describe('the roots that peers are judged by', () => {
  it('are replaced by newer ones, with the same certificate', async () => {
    const { source } = await scene();
    const told: Svid[] = [];
    source.subscribe((svid) => told.push(svid));
    const other = await TestCa.create('cluster.local', T0);
    source.trust([ca.rootDer, other.rootDer], 2);
    assert.deepEqual(
      told.map(({ serial, bundle, tls }) => [serial, bundle.sequence, tls.ca.length]),
      [
        [source.current?.serial, 1, 1],
        [source.current?.serial, 2, 2],
      ],
    );
  });

  it('are not replaced by older ones', async () => {
    const { source } = await scene();
    const other = await TestCa.create('cluster.local', T0);
    source.trust([other.rootDer], 1);
    source.trust([], 0);
    assert.deepEqual(source.current?.bundle.roots, [ca.rootDer]);
  });
});
