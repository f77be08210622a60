import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { compileWorkloadPolicy, ENFORCED_IN_PROCESS, parseResource } from '../../index.ts';
import type { RequestLimit } from '../../index.ts';
import { limitRule } from '../../testing/resource-json.ts';

const connection = {
  principal: 'cluster.local/ns/web/sa/frontend',
  sourceIp: '10.0.0.7',
  destinationIp: '10.0.0.1',
  destinationPort: 80,
  sni: '',
};
const HEADERS: Readonly<Record<string, string>> = { 'x-tenant': 'acme', 'x-long': 'l'.repeat(1000) };
const request = {
  method: 'POST',
  path: '/orders/7',
  host: 'orders',
  remoteIp: '203.0.113.9',
  token: undefined,
  header: (name: string): string | undefined => HEADERS[name],
};

function compiled(fields: object): RequestLimit {
  const parsed = parseResource(limitRule(fields));
  assert.ok(parsed.ok, JSON.stringify(parsed));
  const [limit] = compileWorkloadPolicy({
    workload: { namespace: 'shop', serviceAccount: 'orders', labels: {} },
    resources: [parsed.value],
    rootNamespace: 'istio-system',
    trustDomain: 'cluster.local',
    capabilities: ENFORCED_IN_PROCESS,
  }).limits.requests;
  assert.ok(limit);
  return limit;
}

describe('a rule of a RateLimit', () => {
  const matches: readonly (readonly [fact: string, match: object, isAbout: boolean])[] = [
    ['its method', { methods: ['POST'] }, true],
    ['another method', { methods: ['GET'] }, false],
    ['its path', { paths: ['/orders/*'] }, true],
    ['a template of its path', { paths: ['/orders/{*}'] }, true],
    ['another path', { paths: ['/orders'] }, false],
    ['its caller', { principals: ['cluster.local/ns/web/sa/*'] }, true],
    ['another caller', { principals: ['cluster.local/ns/web/sa/batch'] }, false],
    ['its header', { headers: [{ name: 'X-Tenant', values: ['acme'] }] }, true],
    ['another value', { headers: [{ name: 'x-tenant', values: ['other'] }] }, false],
    ['a header that is not there', { headers: [{ name: 'x-none', values: ['*'] }] }, false],
    ['all of several fields', { methods: ['POST'], paths: ['/orders/*'] }, true],
    ['one of several fields', { methods: ['POST'], paths: ['/users/*'] }, false],
  ];
  for (const [fact, match, isAbout] of matches) {
    it(`${isAbout ? 'is' : 'is not'} about a request that matches ${fact}`, () =>
      assert.equal(compiled({ match: [match] }).isAbout(connection, request), isAbout));
  }
  it('is about every request where it matches nothing in particular', () =>
    assert.equal(compiled({}).isAbout(connection, request), true));
  it('is about a request that one of several alternatives matches', () =>
    assert.equal(
      compiled({ match: [{ methods: ['GET'] }, { paths: ['/orders/7'] }] }).isAbout(connection, request),
      true,
    ));

  const keys: readonly (readonly [key: readonly string[], counter: string])[] = [
    [[], ''],
    [['source.principal'], 'cluster.local/ns/web/sa/frontend'],
    [['source.namespace'], 'web'],
    [['source.ip'], '10.0.0.7'],
    [['remote.ip'], '203.0.113.9'],
    [['request.auth.principal'], ''],
    [['request.headers[X-Tenant]'], 'acme'],
    [['request.headers[x-none]'], ''],
    [['request.headers[x-long]'], 'l'.repeat(256)],
    [['source.namespace', 'request.headers[x-tenant]'], 'web\nacme'],
  ];
  for (const [key, counter] of keys) {
    it(`counts by ${key.length === 0 ? 'nothing' : key.join(' and ')}`, () =>
      assert.equal(compiled(key.length === 0 ? {} : { key }).keyOf(connection, request), counter));
  }

  const rates: readonly (readonly [fields: object, perSecond: number, burst: number])[] = [
    [{ requests: 10, unit: 'SECOND' }, 10, 10],
    [{ requests: 120, unit: 'MINUTE' }, 2, 120],
    [{ requests: 3600, unit: 'HOUR', burst: 5 }, 1, 5],
    [{ requests: 86_400, unit: 'DAY', burst: 1 }, 1, 1],
  ];
  for (const [fields, perSecond, burst] of rates) {
    it(`${JSON.stringify(fields)}: ${perSecond} a second, ${burst} at once`, () => {
      const { rate } = compiled(fields);
      assert.deepEqual([rate?.perSecond, rate?.burst], [perSecond, burst]);
    });
  }
});
