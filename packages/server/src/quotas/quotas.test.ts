import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { parseResource, type Resource } from '@rampart/core';
import { FakeClock } from '@rampart/testkit/fake-clock';
import { Quotas, type Share, type Want } from './quotas.ts';

const ROOT = 'istio-system';
const ORDERS = { namespace: 'shop', identity: 'spiffe://cluster.local/ns/shop/sa/orders' };
const WANT: Want = { policy: 'shop/limits', rule: 'all', key: '', tokens: 4, unused: 0 };

function policy(namespace: string, rule: object): Resource {
  const parsed = parseResource({
    apiVersion: 'rampart.dev/v1',
    kind: 'RateLimit',
    metadata: { name: 'limits', namespace },
    spec: { rules: [{ name: 'all', requests: 10, unit: 'SECOND', shared: true, ...rule }] },
  });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

describe('shares of shared limits', () => {
  const resources = new Map<string, Resource>();
  let clock: FakeClock;
  let quotas: Quotas;

  beforeEach(() => {
    resources.clear();
    resources.set('RateLimit/shop/limits', policy('shop', {}));
    clock = new FakeClock(0);
    quotas = new Quotas({ rootNamespace: ROOT, clock, resource: (key) => resources.get(key) });
  });

  const given = (want: Partial<Want> = {}, holder = ORDERS): number =>
    quotas.lease(holder, { ...WANT, ...want }).tokens;

  it('are no more together than the burst and what flows in', async () => {
    assert.deepEqual([given(), given(), given(), given()], [4, 4, 2, 0]);
    await clock.advance(300);
    assert.deepEqual([given(), given()], [3, 0]);
  });

  it('say when there may be one more', async () => {
    const short: Share = quotas.lease(ORDERS, { ...WANT, tokens: 11 });
    assert.deepEqual(short, { tokens: 10, validMs: 1000, retryMs: 100, unknown: false });
    await clock.advance(short.retryMs);
    assert.equal(given({ tokens: 1 }), 1);
  });

  it('that come back unused are given to others', () => {
    assert.equal(given({ tokens: 10 }), 10);
    assert.equal(given({ tokens: 5, unused: 3 }), 3);
  });

  it('never come back as more than the burst', () => {
    given({ tokens: 1 });
    assert.equal(given({ tokens: 100, unused: 4_000_000 }), 10);
  });

  it('are counted apart for each key, and for each identity that enforces them', () => {
    given({ tokens: 10 });
    assert.equal(given({ key: 'other' }), 4);
    assert.equal(given({}, { ...ORDERS, identity: 'spiffe://cluster.local/ns/shop/sa/users' }), 4);
    assert.equal(given(), 0);
  });

  it('begin anew when the rate is another one', () => {
    given({ tokens: 10 });
    resources.set('RateLimit/shop/limits', policy('shop', { burst: 3 }));
    assert.equal(given(), 3);
  });

  const unknown: readonly (readonly [fact: string, want: Partial<Want>])[] = [
    ['of a policy that is not there', { policy: 'shop/none' }],
    ['of a rule that is not there', { rule: 'none' }],
    ['of a policy of another namespace', { policy: 'web/limits' }],
    ['of a name that is none', { policy: 'limits' }],
    ['of a key that no data plane makes', { key: 'k'.repeat(2000) }],
  ];
  for (const [fact, want] of unknown) {
    it(`${fact} are unknown`, () => {
      resources.set('RateLimit/web/limits', policy('web', {}));
      assert.equal(quotas.lease(ORDERS, { ...WANT, ...want }).unknown, true);
    });
  }
  it('of a rule that is not shared are unknown', () => {
    resources.set('RateLimit/shop/limits', policy('shop', { shared: false }));
    assert.equal(quotas.lease(ORDERS, WANT).unknown, true);
  });
  it('of a policy of the root namespace are known', () => {
    resources.set(`RateLimit/${ROOT}/limits`, policy(ROOT, {}));
    assert.equal(given({ policy: `${ROOT}/limits` }), 4);
  });
});
