import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { AccessLogRecord } from '../access-log.ts';
import { compileWorkloadPolicy, type WorkloadPolicy } from '../policy/workload-policy.ts';
import { normalizePath, pathOf } from '../policy/path.ts';
import { resourcesOf } from '../testing/documents.ts';
import { isIdentifier, shapeOf } from './path-shape.ts';
import { type SuggestedPolicies, TrafficSample } from './suggest.ts';
import { suggestionDocument } from './suggest/document.ts';

interface Call {
  readonly principal: string;
  readonly method: string;
  readonly path: string;
}

const FRONTEND = 'cluster.local/ns/web/sa/frontend';
const BATCH = 'cluster.local/ns/web/sa/batch';
const SERVICE = { name: 'orders-api', namespace: 'shop' };
const LABELS = { app: 'orders-api' };

function recordOf({ principal, method, path }: Call, special: Partial<AccessLogRecord> = {}): AccessLogRecord {
  const known: Partial<AccessLogRecord> = {
    timestamp: '2026-11-01T00:00:00.000Z',
    source_principal: principal === '' ? '' : `spiffe://${principal}`,
    destination_service: 'orders-api.shop.svc',
    destination_principal: 'spiffe://cluster.local/ns/shop/sa/orders',
    request_method: method,
    request_path: path,
    authorization_decision: 'ALLOW',
    reporter: 'destination',
    ...special,
  };
  return known as AccessLogRecord;
}

function suggest(records: readonly AccessLogRecord[]): SuggestedPolicies {
  const sample = new TrafficSample({ service: SERVICE, since: 0 });
  for (const record of records) sample.add(record);
  return sample.suggest(LABELS);
}

function get(path: string, principal = FRONTEND): AccessLogRecord {
  return recordOf({ principal, method: 'GET', path });
}

/** What the suggestion comes to once its YAML is read and compiled. */
function policyOf(suggestion: SuggestedPolicies): WorkloadPolicy {
  const resources = resourcesOf(suggestionDocument(suggestion, 0));
  return compileWorkloadPolicy({
    workload: { namespace: 'shop', serviceAccount: 'orders', labels: LABELS },
    resources,
    rootNamespace: 'istio-system',
    trustDomain: 'cluster.local',
  });
}

function isAllowed(policy: WorkloadPolicy, { principal, method, path }: Call): boolean {
  const normal = normalizePath(path);
  if (!normal.ok) return false;
  const connection = policy.forConnection({
    principal: principal === '' ? undefined : principal,
    sourceIp: '10.0.0.1',
    destinationIp: '10.0.0.2',
    destinationPort: 80,
    sni: '',
  });
  return (
    connection.evaluate({
      method,
      path: pathOf(normal.value),
      host: '',
      token: undefined,
      remoteIp: '10.0.0.1',
      header: () => undefined,
    }).decision === 'ALLOW'
  );
}

const pathsOf = (records: readonly AccessLogRecord[]): string[] =>
  suggest(records).rules.flatMap(({ operations }) => operations.flatMap(({ paths }) => paths));

describe('an identifier', () => {
  for (const text of [
    '0',
    '42',
    '-7',
    '3.14',
    '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b',
    'urn:uuid:0190A1B2-C3D4-7E5F-8A9B-0C1D2E3F4A5B',
    'deadbeef0',
    '0x12345678',
    '01ARZ3NDEKTSV4RRFFQ69G5FAV',
    'user-17',
    'ord_000123',
    'INV2024-0001',
    '2026-11-21',
    '2026-11-21T10:00:00Z',
    'V1StGXR8_Z5jdHi6B-myT',
  ])
    it(`is ${text}`, () => assert.ok(isIdentifier(text)));
  for (const text of [
    '',
    'orders',
    'v1',
    'v2beta1',
    'cafebabe',
    'deadline',
    'x',
    'order-list',
    'me',
    '..',
    'a.b',
    '{*}',
    'a1b',
  ])
    it(`is not ${JSON.stringify(text)}`, () => assert.ok(!isIdentifier(text)));
  it('gives way to {*} in the shape of a path', () => {
    assert.equal(shapeOf('/v1/orders/42/items/7'), '/v1/orders/{*}/items/{*}');
  });
});

describe('a suggestion', () => {
  it('names exact callers, methods and paths', () => {
    const { rules, requests } = suggest([
      get('/orders'),
      get('/orders?page=2'),
      recordOf({ principal: FRONTEND, method: 'POST', path: '/orders' }),
      get('/health', BATCH),
    ]);
    assert.equal(requests, 4);
    assert.deepEqual(rules, [
      {
        principals: [BATCH],
        operations: [{ methods: ['GET'], paths: ['/health'], notPaths: [], requests: 1 }],
        requests: 1,
      },
      {
        principals: [FRONTEND],
        operations: [{ methods: ['GET', 'POST'], paths: ['/orders'], notPaths: [], requests: 3 }],
        requests: 3,
      },
    ]);
  });

  it('puts callers that do the same into one rule', () => {
    const { rules } = suggest([get('/a'), get('/b'), get('/a', BATCH), get('/b', BATCH), get('/b', BATCH)]);
    assert.deepEqual(rules, [
      {
        principals: [BATCH, FRONTEND],
        operations: [{ methods: ['GET'], paths: ['/a', '/b'], notPaths: [], requests: 5 }],
        requests: 5,
      },
    ]);
  });

  const GENERALISED: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['two identifiers stay what they are', ['/orders/1', '/orders/2'], ['/orders/1', '/orders/2']],
    ['three become a parameter', ['/orders/1', '/orders/2', '/orders/3'], ['/orders/{*}']],
    ['of any form', ['/o/1', '/o/0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', '/o/deadbeef01'], ['/o/{*}']],
    ['names beside them do not', ['/o/1', '/o/2', '/o/3', '/o/search', '/o'], ['/o', '/o/search', '/o/{*}']],
    ['what follows them counts as one', ['/o/1/items', '/o/2/items', '/o/3/items', '/o/4'], ['/o/{*}', '/o/{*}/items']],
    ['inside each other', ['/o/1/i/1', '/o/2/i/2', '/o/3/i/3'], ['/o/{*}/i/{*}']],
    ['versions of an interface never', ['/v1/a', '/v2/a', '/v3/a', '/v4/a'], ['/v1/a', '/v2/a', '/v3/a', '/v4/a']],
    ['with a slash at the end', ['/o/1/', '/o/2/', '/o/3/', '/o/'], ['/o/', '/o/{*}/']],
    ['also the first segment', ['/1', '/2', '/3', '/'], ['/', '/{*}']],
    [
      'where no template can stand, not',
      ['/o//1', '/o//2', '/o//3', '/a"b/1', '/a"b/2', '/a"b/3'],
      ['/o//1', '/o//2', '/o//3', '/a"b/1', '/a"b/2', '/a"b/3'],
    ],
  ];
  for (const [what, given, expected] of GENERALISED)
    it(`takes identifiers for parameters: ${what}`, () => {
      assert.deepEqual(pathsOf(given.map((path) => get(path))).sort(), [...expected].sort());
    });

  it('takes names for parameters only when there are very many, and never as the first segment', () => {
    const files = Array.from(
      { length: 50 },
      (_, index) => `${String.fromCharCode(97 + (index % 26))}${'x'.repeat(index)}.js`,
    );
    assert.deepEqual(pathsOf(files.map((file) => get(`/static/${file}`))), ['/static/{*}']);
    assert.equal(pathsOf(files.slice(1).map((file) => get(`/static/${file}`))).length, 49);
    assert.equal(pathsOf(files.map((file) => get(`/${file}`))).length, 50);
  });

  it('keeps from a caller what only others reach through its template', () => {
    const suggestion = suggest([
      ...['/o/1', '/o/2', '/o/3'].map((path) => get(path)),
      get('/o/export', BATCH),
      get('/o/count'),
      recordOf({ principal: FRONTEND, method: 'POST', path: '/o/export' }),
    ]);
    const policy = policyOf(suggestion);
    assert.ok(!isAllowed(policy, { principal: FRONTEND, method: 'GET', path: '/o/export' }));
    assert.ok(isAllowed(policy, { principal: FRONTEND, method: 'GET', path: '/o/count' }));
    assert.ok(isAllowed(policy, { principal: FRONTEND, method: 'POST', path: '/o/export' }));
    assert.ok(isAllowed(policy, { principal: FRONTEND, method: 'GET', path: '/o/99' }));
    assert.ok(!isAllowed(policy, { principal: FRONTEND, method: 'POST', path: '/o/99' }));
  });

  it('comes from nothing that was plaintext, denied, reported by the caller, too old, or of another service', () => {
    const call = { principal: FRONTEND, method: 'GET', path: '/x' };
    const { requests, leftOut, rules } = suggest([
      recordOf({ ...call, principal: '' }),
      recordOf(call, { authorization_decision: 'DENY' }),
      recordOf(call, { reporter: 'source' }),
      recordOf(call, { destination_service: 'orders-api.other.svc' }),
      recordOf(call, { timestamp: '1969-12-31T00:00:00.000Z' }),
    ]);
    assert.deepEqual([requests, rules.length], [0, 0]);
    assert.deepEqual(leftOut, { plaintext: 1, denied: 1, unwritable: 0 });
  });

  it('never writes what would be read as a wildcard', () => {
    for (const path of ['*', '/files/*', '/*/x', '/a{b}', '/{*}', '/{**}', `/${'x'.repeat(8191)}`]) {
      const { leftOut, rules } = suggest([get(path)]);
      assert.deepEqual([leftOut.unwritable, rules.length], [1, 0], path);
    }
    assert.equal(suggest([recordOf({ principal: FRONTEND, method: 'G*', path: '/' })]).leftOut.unwritable, 1);
  });

  it('says in its document how many requests each rule comes from', () => {
    const text = suggestionDocument(
      suggest([get('/a'), get('/a'), get('/b', BATCH), get('/x*')]),
      Date.UTC(2026, 10, 1),
    );
    assert.match(
      text,
      /^# Who may call orders-api\.shop: what was allowed since 2026-11-01T00:00:00\.000Z, and nothing else\.\n# 3 requests over/,
    );
    assert.match(text, /1 request with "\*"/);
    assert.match(
      text,
      / {2}# 2 requests\n {2}- from:\n {4}- source:\n {8}principals:\n {8}- "cluster\.local\/ns\/web\/sa\/frontend"\n/,
    );
  });

  it('names a namespace so that no reader of YAML takes it for anything but text', () => {
    for (const [namespace, written] of [
      ['shop', 'shop'],
      ['1e3', '"1e3"'],
      ['0x1f', '"0x1f"'],
      ['on', '"on"'],
      ['n', '"n"'],
      ['null', '"null"'],
      ['none', 'none'],
    ] as const) {
      const sample = new TrafficSample({ service: { name: 'a', namespace }, since: 0 });
      sample.add(
        recordOf({ principal: FRONTEND, method: 'GET', path: '/' }, { destination_service: `a.${namespace}.svc` }),
      );
      const text = suggestionDocument(sample.suggest(LABELS), 0);
      assert.ok(text.includes(`\n  namespace: ${written}\n`), text);
      assert.equal(resourcesOf(text)[0]?.metadata.namespace, namespace);
    }
  });

  it('is cut into several policies where one would be too large', () => {
    const records = Array.from({ length: 600 }, (_, index) => get(`/p${'x'.repeat(index)}`, `${FRONTEND}${index}`));
    const suggestion = suggest(records);
    assert.deepEqual(
      suggestion.policies.map(({ metadata, spec }) => [metadata.name, spec.rules?.length]),
      [
        ['orders-api-from-traffic', 512],
        ['orders-api-from-traffic-2', 88],
      ],
    );
    assert.ok(isAllowed(policyOf(suggestion), { principal: `${FRONTEND}7`, method: 'GET', path: '/pxxxxxxx' }));
  });

  const segment = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('orders', 'items', 'v1', 'me', 'search', '', 'a%20b', '%C3%BC', 'x"y') },
    { weight: 4, arbitrary: fc.nat({ max: 30 }).map(String) },
    { weight: 1, arbitrary: fc.uuid() },
  );
  const call: fc.Arbitrary<Call> = fc.record({
    principal: fc.constantFrom(FRONTEND, BATCH, 'other.org/ns/web/sa/frontend'),
    method: fc.constantFrom('GET', 'POST', 'DELETE'),
    path: fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join('/')}`),
  });
  const traffic = fc.array(call, { minLength: 1, maxLength: 60 });

  /** Whether a caller did the same with some identifiers in the place of others: all that a template may add. */
  function isLikeRecorded(recorded: readonly Call[], { principal, method, path }: Call): boolean {
    const segments = path.split('/');
    return recorded.some((known) => {
      const own = known.path.split('/');
      return (
        known.method === method &&
        segments.length === own.length &&
        segments.every((text, index) => text === own[index] || (text !== '' && isIdentifier(own[index] ?? ''))) &&
        (known.principal === principal || path !== known.path)
      );
    });
  }

  it('allows all of the traffic it comes from, and nothing that was not like it', () => {
    fc.assert(
      fc.property(traffic, fc.array(call, { maxLength: 30 }), (recorded, others) => {
        const policy = policyOf(suggest(recorded.map((each) => recordOf(each))));
        for (const each of recorded) {
          assert.ok(isAllowed(policy, each), JSON.stringify(each));
          assert.ok(!isAllowed(policy, { ...each, principal: '' }));
          assert.ok(!isAllowed(policy, { ...each, principal: `${each.principal}2` }));
          assert.ok(!isAllowed(policy, { ...each, method: 'PUT' }));
          assert.ok(!isAllowed(policy, { ...each, path: `${each.path}/outside/of/it/all` }));
        }
        const own = (each: Call): readonly Call[] => recorded.filter(({ principal }) => principal === each.principal);
        const outside = recorded.map((each) => ({ ...each, path: `/outside${each.path}` }));
        for (const each of [...others, ...outside]) {
          if (isAllowed(policy, each)) assert.ok(isLikeRecorded(own(each), each), JSON.stringify(each));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('does not depend on the order of the traffic', () => {
    fc.assert(
      fc.property(traffic, fc.infiniteStream(fc.nat()), (recorded, ranks) => {
        const ranked = recorded.map((each) => ({ each, rank: ranks.next().value ?? 0 }));
        const shuffled = ranked.sort((a, b) => a.rank - b.rank).map(({ each }) => each);
        const documentOf = (calls: readonly Call[]): string =>
          suggestionDocument(suggest(calls.map((each) => recordOf(each))), 0);
        assert.equal(documentOf(shuffled), documentOf(recorded));
      }),
      { numRuns: 300 },
    );
  });
});
