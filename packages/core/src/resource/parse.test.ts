import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseResource, resourceKey } from '../index.ts';
import { custom, labelled, operation, peer, policy, rule, source, when } from '../testing/resource-json.ts';

const accepted: readonly [fact: string, json: unknown][] = [
  [
    'a policy without spec',
    { apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', metadata: { name: 'x' } },
  ],
  ['the older apiVersion', { ...policy({}), apiVersion: 'security.istio.io/v1beta1' }],
  [
    'what Kubernetes writes by itself',
    {
      ...policy({}),
      metadata: {
        name: 'x',
        uid: '1',
        resourceVersion: '2',
        generation: 3,
        managedFields: [],
        creationTimestamp: '2026-01-31T12:00:00Z',
      },
      status: {},
    },
  ],
  ['an ALLOW policy without rules', policy({ rules: [] })],
  ['a rule that matches everything', rule({})],
  ['a DENY policy that denies everything', policy({ action: 'DENY', rules: [{}] })],
  [
    'every field of a source',
    source({
      principals: ['a', 'a*', '*a', '*'],
      notPrincipals: ['b'],
      requestPrincipals: ['*'],
      notRequestPrincipals: ['iss/*'],
      namespaces: ['a*b'],
      notNamespaces: ['c'],
      trustDomains: ['td', '*.td', 'td*', '*'],
      notTrustDomains: ['x'],
      ipBlocks: ['10.0.0.0/8', '::1', 'fd00::/8'],
      notIpBlocks: ['10.1.2.3'],
      remoteIpBlocks: ['1.2.3.4'],
      notRemoteIpBlocks: ['1.2.3.0/24'],
    }),
  ],
  ['service accounts with and without namespace', source({ serviceAccounts: ['a', 'b/c'], notServiceAccounts: ['d'] })],
  [
    'every field of an operation',
    operation({
      hosts: ['a', '*.b'],
      notHosts: ['c'],
      ports: ['0', '65535'],
      notPorts: ['1'],
      methods: ['GET', '*'],
      notMethods: ['P*'],
      paths: ['/a', '/a/*', '*/a', '*', '/{*}/b/{**}', '/a/{**}/c'],
      notPaths: ['/d'],
    }),
  ],
  [
    'every condition key',
    when(
      ...[
        'request.headers[X-Key]',
        'source.namespace',
        'source.principal',
        'request.auth.principal',
        'request.auth.audiences',
        'request.auth.presenter',
        'request.auth.claims[a]',
        'request.auth.claims[a][b]',
        'connection.sni',
        'experimental.envoy.filters.network.mysql_proxy[db.table]',
        'source.serviceAccount',
        'source.trustDomain',
      ].map((key) => ({ key, values: ['a'] })),
      { key: 'source.ip', values: ['10.0.0.0/8'] },
      { key: 'remote.ip', notValues: ['::1'] },
      { key: 'destination.ip', values: ['1.1.1.1'] },
      { key: 'destination.port', values: ['80'] },
    ),
  ],
  ['512 rules', policy({ rules: Array.from({ length: 512 }, () => ({})) })],
  [
    'a target',
    policy({
      targetRefs: [
        { kind: 'Service', name: 'a' },
        { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'b' },
      ],
    }),
  ],
  ['the older single target', policy({ targetRef: { kind: 'Service', name: 'a', group: '' } })],
  ['CUSTOM with a provider', custom({ to: [{ operation: { paths: ['/a'] } }] })],
  ['a port of its own TLS mode', peer({ ...labelled, portLevelMtls: { 8080: { mode: 'PERMISSIVE' } } })],
  ['mtls without mode', peer({ mtls: {} })],
  [
    'a dry run of an ALLOW policy',
    { ...policy({}), metadata: { name: 'x', annotations: { 'istio.io/dry-run': 'true' } } },
  ],
  [
    'a label name that is a name of the language',
    policy({ selector: { matchLabels: JSON.parse('{"__proto__":"a"}') as unknown } }),
  ],
];

for (const [fact, json] of accepted) {
  test(`accepts ${fact}`, () => {
    const parsed = parseResource(json);
    assert.deepEqual(parsed.ok ? [] : parsed.problem, []);
  });
}

const warned: readonly [fact: string, json: unknown, message: RegExp][] = [
  ['an empty selector', policy({ selector: {}, rules: [null] }), /every workload/],
  [
    'a star that is no wildcard',
    policy({ rules: [null, { to: [{ operation: { paths: ['*a*'] } }] }] }),
    /matched literally/,
  ],
  [
    'an empty list beside others',
    policy({ rules: [null, { to: [{ operation: { paths: [], methods: ['GET'] } }] }] }),
    /asks nothing/,
  ],
  [
    'a principal with its scheme',
    policy({ rules: [null, { from: [{ source: { principals: ['spiffe://a'] } }] }] }),
    /without "spiffe:/,
  ],
];

for (const [fact, json, message] of warned) {
  test(`warns of ${fact}`, () => {
    const parsed = parseResource(json);
    assert.ok(!parsed.ok);
    const warnings = parsed.problem.filter((problem) => problem.severity === 'warning');
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]?.message ?? '', message);
  });
}

test('every problem is listed, not the first alone', () => {
  const parsed = parseResource({
    ...policy({ action: 'X', rules: [null, { from: [] }], extra: 1 }),
    metadata: { name: '' },
  });
  assert.ok(!parsed.ok);
  assert.deepEqual(parsed.problem.map((problem) => problem.field).toSorted(), [
    'metadata.name',
    'spec.action',
    'spec.extra',
    'spec.rules[0]',
    'spec.rules[1].from',
  ]);
});

test('a resource is named by kind, namespace and name, the namespace being "default" where none is given', () => {
  const parsed = parseResource({ ...peer({}), metadata: { name: 'x' } });
  assert.ok(parsed.ok);
  assert.equal(resourceKey(parsed.value), 'PeerAuthentication/default/x');
});

test('no JSON value makes the reader throw', () => {
  const word = fc.constantFrom(
    'apiVersion',
    'kind',
    'metadata',
    'name',
    'spec',
    'rules',
    'from',
    'source',
    'principals',
    'when',
    'key',
    '__proto__',
    'constructor',
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom('AuthorizationPolicy', 'security.istio.io/v1', null, 1, ''),
      fc.array(tie('value')),
      fc.dictionary(word, tie('value')),
    ),
  }));
  fc.assert(
    fc.property(value, (json) => void parseResource(json)),
    { numRuns: 1000 },
  );
});
