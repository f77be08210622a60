import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { FakeDataPlane } from '../testing/fake-data-plane.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { TestPlanes, until } from '../testing/test-plane.ts';
import { attest, connectAsAdmin, connectTo } from '../testing/workload-client.ts';

const LIFE_MS = 300_000;

describe('a data plane whose certificate should have been renewed', () => {
  const planes = new TestPlanes();

  beforeEach(() => planes.open());
  afterEach(() => planes.close());

  it('is told to renew it, and that it is late is on the audit record', async () => {
    const clock = new ManualClock();
    const plane = await planes.start({ clock, lifetimes: { workloadMs: LIFE_MS } });
    const { credentials } = await attest(plane, { namespace: 'default', serviceAccount: 'orders' });
    const client = planes.keep(connectTo(plane, { credentials }));
    const { admin } = planes.keep(connectAsAdmin(plane));
    // Past five eighths of its life, just before the watch looks again.
    clock.advance(239_500);
    const dataPlane = new FakeDataPlane(client).connect();
    await until('the first snapshot', () => dataPlane.received.length > 0);
    assert.ok(dataPlane.received.every(({ rotate }) => !rotate));
    clock.advance(1000);
    await until('the order to renew', () => dataPlane.received.some(({ rotate }) => rotate));
    const recorded = async (): Promise<string[]> =>
      (await admin.queryAudit({ eventType: 'CERTIFICATE_RENEWAL_LATE' })).records;
    await until('the record', async () => (await recorded()).length > 0);
    const record = JSON.parse((await recorded())[0] ?? '');
    assert.equal(record.identity, 'spiffe://cluster.local/ns/default/sa/orders');
    assert.equal(record.details.told_to_renew, true);
  });
});
