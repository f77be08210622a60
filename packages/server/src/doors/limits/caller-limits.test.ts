import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ConnectError } from '@connectrpc/connect';
import { createMemoryJournalStore, Journal } from '@rampart/journal';
import { createCsr, generateKeyPair } from '@rampart/spiffe';
import { Metrics } from '../../metrics.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { TestPlanes } from '../../testing/test-plane.ts';
import { attest, connectAsAdmin, connectTo } from '../../testing/workload-client.ts';
import { networkOf } from './network-of.ts';
import { CallerLimits, DEFAULT_RATES, type Limited, type LimitedCaller } from './caller-limits.ts';

const STRANGER = { remoteAddress: '192.0.2.7', identity: '' };

async function open(): Promise<{
  readonly clock: ManualClock;
  readonly journal: Journal;
  readonly limits: CallerLimits;
}> {
  const clock = new ManualClock();
  const journal = await Journal.open(createMemoryJournalStore(), clock);
  const failed = (error: unknown): never => assert.fail(String(error));
  return {
    clock,
    journal,
    limits: new CallerLimits({ rates: DEFAULT_RATES, clock, journal, metrics: new Metrics(), failed }),
  };
}

function isAdmitted(limits: CallerLimits, caller: LimitedCaller, limited: Limited = 'attestation'): boolean {
  try {
    limits.admit(limited, caller);
    return true;
  } catch (error) {
    assert.ok(error instanceof ConnectError);
    return false;
  }
}

/** How many of a number of calls are let in. */
function admitted(limits: CallerLimits, calls: number, caller = STRANGER): number {
  return Array.from({ length: calls }, () => isAdmitted(limits, caller)).filter(Boolean).length;
}

describe('the limits of callers', () => {
  it('let an address attest in a burst, and then once a second', async () => {
    const { limits, clock } = await open();
    assert.equal(admitted(limits, 100), 60);
    clock.advance(5000);
    assert.equal(admitted(limits, 100), 5);
    clock.advance(3_600_000);
    assert.equal(admitted(limits, 100), 60);
  });

  it('hold for each address by itself', async () => {
    const { limits } = await open();
    assert.equal(admitted(limits, 100), 60);
    assert.equal(admitted(limits, 100, { ...STRANGER, remoteAddress: '192.0.2.8' }), 60);
  });

  for (const [address, network] of [
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
  ] as const) {
    it(`tell ${address} apart as ${network}`, () => assert.equal(networkOf(address), network));
  }

  it('hold for a whole IPv6 network of one customer', async () => {
    const { limits } = await open();
    const callers = Array.from({ length: 100 }, (_, n) => ({
      ...STRANGER,
      remoteAddress: `2001:db8::${n.toString(16)}`,
    }));
    assert.equal(callers.filter((caller) => isAdmitted(limits, caller)).length, 60);
  });

  it('do not take the processes of this host for one newcomer', async () => {
    const { limits } = await open();
    for (const remoteAddress of ['127.0.0.1', '::1']) {
      assert.equal(admitted(limits, 1000, { ...STRANGER, remoteAddress }), 1000);
    }
  });

  it('hold for an identity from whatever address it comes', async () => {
    const { limits } = await open();
    const calls = Array.from({ length: 600 }, (_, call) => {
      const caller = { remoteAddress: `192.0.2.${call % 100}`, identity: 'spiffe://td/agent/a' };
      return isAdmitted(limits, caller, 'x509');
    });
    assert.equal(calls.filter(Boolean).length, 500);
  });

  it('say when to come again, and put the first refusal of a while on record', async () => {
    const { limits, journal, clock } = await open();
    admitted(limits, 100);
    assert.throws(
      () => limits.admit('attestation', STRANGER),
      (error) =>
        error instanceof ConnectError &&
        error.metadata.get('retry-after') === '1' &&
        error.metadata.get('rampart-code') === 'RATE_LIMITED',
    );
    const records = async (): Promise<number> => {
      await journal.settle();
      return (await journal.read({ stream: 'audit', kind: 'RATE_LIMITED', limit: 100, order: 'oldest-first' })).length;
    };
    assert.equal(await records(), 1);
    clock.advance(10_000);
    admitted(limits, 100);
    assert.equal(await records(), 2);
  });
});

describe('the API', () => {
  const planes = new TestPlanes();

  beforeEach(() => planes.open());
  afterEach(() => planes.close());

  it('refuses renewals beyond the rate of an identity, and others go on', async () => {
    const plane = await planes.start({ clock: new ManualClock(), callerRates: { x509: { perSecond: 1, burst: 2 } } });
    const { credentials } = await attest(plane, { namespace: 'default', serviceAccount: 'orders' });
    const workload = connectTo(plane, { credentials });
    const admin = connectAsAdmin(plane);
    try {
      const renew = (): Promise<unknown> => workload.identity.renew({ csr: createCsr(generateKeyPair()) });
      await renew();
      await renew();
      await assert.rejects(
        renew(),
        (error) => error instanceof ConnectError && error.metadata.get('retry-after') === '1',
      );
      await attest(plane, { namespace: 'default', serviceAccount: 'users' });
      const { records } = await admin.admin.queryAudit({ limit: 20 });
      assert.equal(records.filter((record) => record.includes('"RATE_LIMITED"')).length, 1);
    } finally {
      workload.close();
      admin.close();
    }
  });
});
