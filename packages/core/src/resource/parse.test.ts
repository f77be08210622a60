import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseResource, resourceKey } from '../index.ts';

const base = (kind: string, spec: unknown): Record<string, unknown> => ({
  apiVersion: 'security.istio.io/v1',
  kind,
  metadata: { name: 'x', namespace: 'shop' },
  spec,
});
const policy = (spec: unknown): Record<string, unknown> => base('AuthorizationPolicy', spec);
const rule = (part: unknown): Record<string, unknown> => policy({ rules: [part] });
const source = (fields: unknown): Record<string, unknown> => rule({ from: [{ source: fields }] });
const operation = (fields: unknown): Record<string, unknown> => rule({ to: [{ operation: fields }] });
const when = (...conditions: unknown[]): Record<string, unknown> => rule({ when: conditions });
const peer = (spec: unknown): Record<string, unknown> => base('PeerAuthentication', spec);
const custom = (part: unknown): Record<string, unknown> =>
  policy({ action: 'CUSTOM', provider: { name: 'p' }, rules: [part] });
const labelled = { selector: { matchLabels: { app: 'a' } } };

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

const refused: readonly [fact: string, json: unknown, field: string, message: RegExp][] = [
  ['what is no object', [], '', /must be a resource.* is a list/],
  ['a missing apiVersion', { kind: 'PeerAuthentication', metadata: { name: 'x' } }, '', /has no apiVersion/],
  ['a missing kind', { apiVersion: 'security.istio.io/v1', metadata: { name: 'x' } }, '', /has no kind/],
  ['missing metadata', { apiVersion: 'security.istio.io/v1', kind: 'PeerAuthentication' }, '', /has no metadata/],
  ['an unknown kind, with the near one', base('PeerAuthentification', {}), 'kind', /did you mean "PeerAuthentication"/],
  [
    'an unknown kind, with all known ones',
    base('ConfigMap', {}),
    'kind',
    /known here: PeerAuthentication, AuthorizationPolicy/,
  ],
  [
    'a kind of another group',
    { ...peer({}), apiVersion: 'networking.istio.io/v1' },
    'apiVersion',
    /use security.istio.io\/v1 or/,
  ],
  ['an unknown field on top', { ...peer({}), specs: {} }, 'specs', /did you mean "spec"/],
  ['an empty spec field', peer(null), 'spec', /is empty/],
  ['a missing name', { ...peer({}), metadata: {} }, 'metadata', /has no name/],
  ['a name that is no DNS name', { ...peer({}), metadata: { name: 'A_b' } }, 'metadata.name', /DNS name/],
  [
    'a namespace that is no DNS label',
    { ...peer({}), metadata: { name: 'a', namespace: 'a.b' } },
    'metadata.namespace',
    /DNS label/,
  ],
  [
    'a label value that is no string',
    { ...peer({}), metadata: { name: 'a', labels: { v: 1 } } },
    'metadata.labels.v',
    /in quotes, "1"/,
  ],
  [
    'a creation time that is none',
    { ...peer({}), metadata: { name: 'a', creationTimestamp: 'now' } },
    'metadata.creationTimestamp',
    /RFC 3339/,
  ],
  [
    'selector and targetRefs together',
    policy({ ...labelled, targetRefs: [{ kind: 'Service', name: 'a' }] }),
    'spec.targetRefs',
    /cannot stand beside selector/,
  ],
  [
    'an empty label name',
    policy({ selector: { matchLabels: { '': 'a' } } }),
    'spec.selector.matchLabels[""]',
    /must not be empty/,
  ],
  [
    'a star in a label name',
    policy({ selector: { matchLabels: { 'a*': 'a' } } }),
    'spec.selector.matchLabels["a*"]',
    /must not hold "\*"/,
  ],
  [
    'a star in a label value',
    policy({ selector: { matchLabels: { a: 'a*' } } }),
    'spec.selector.matchLabels.a',
    /must not hold "\*"/,
  ],
  ['DENY without rules', policy({ action: 'DENY' }), 'spec', /DENY needs rules/],
  ['DENY with an empty list of rules', policy({ action: 'DENY', rules: [] }), 'spec', /DENY needs rules/],
  ['CUSTOM without rules', policy({ action: 'CUSTOM', provider: { name: 'p' } }), 'spec', /CUSTOM needs rules/],
  ['CUSTOM without provider', policy({ action: 'CUSTOM', rules: [{}] }), 'spec', /needs a provider/],
  ['a provider without name', policy({ action: 'CUSTOM', rules: [{}], provider: {} }), 'spec.provider', /needs a name/],
  [
    'a provider with another action',
    policy({ provider: { name: 'p' } }),
    'spec.provider',
    /no meaning for action ALLOW/,
  ],
  ['an unknown action', policy({ action: 'Allow' }), 'spec.action', /did you mean "ALLOW"/],
  ['a null rule', policy({ rules: [null] }), 'spec.rules[0]', /is empty/],
  ['an empty from', rule({ from: [] }), 'spec.rules[0].from', /at least one source/],
  ['an empty to', rule({ to: [] }), 'spec.rules[0].to', /at least one operation/],
  ['a from without source', rule({ from: [{}] }), 'spec.rules[0].from[0]', /needs a source/],
  ['a null source', rule({ from: [{ source: null }] }), 'spec.rules[0].from[0].source', /is empty/],
  ['an empty source', source({}), 'spec.rules[0].from[0].source', /must ask for something/],
  ['a source of empty lists', source({ principals: [] }), 'spec.rules[0].from[0].source', /must ask for something/],
  ['an empty operation', operation({}), 'spec.rules[0].to[0].operation', /must ask for something/],
  [
    'an empty string in a list',
    source({ namespaces: ['a', ''] }),
    'spec.rules[0].from[0].source.namespaces[1]',
    /must not be empty/,
  ],
  [
    'a text where a list belongs',
    source({ principals: 'a' }),
    'spec.rules[0].from[0].source.principals',
    /must be a list of strings, is the string "a"/,
  ],
  [
    'an address that is none',
    source({ ipBlocks: ['10.0.0'] }),
    'spec.rules[0].from[0].source.ipBlocks[0]',
    /not an IP address/,
  ],
  [
    'a block that is too long',
    source({ ipBlocks: ['10.0.0.0/33'] }),
    'spec.rules[0].from[0].source.ipBlocks[0]',
    /prefix length from 0 to 32/,
  ],
  ['a port that is none', operation({ ports: ['http'] }), 'spec.rules[0].to[0].operation.ports[0]', /port number/],
  ['a port out of range', operation({ ports: ['65536'] }), 'spec.rules[0].to[0].operation.ports[0]', /port number/],
  [
    'a port that is a number',
    operation({ ports: [8080] }),
    'spec.rules[0].to[0].operation.ports[0]',
    /in quotes, "8080"/,
  ],
  [
    'service accounts beside principals',
    source({ serviceAccounts: ['a'], principals: ['b'] }),
    'spec.rules[0].from[0].source.serviceAccounts',
    /cannot stand beside principals/,
  ],
  [
    'service accounts beside notNamespaces',
    source({ notServiceAccounts: ['a'], notNamespaces: ['b'] }),
    'spec.rules[0].from[0].source.notServiceAccounts',
    /beside notNamespaces/,
  ],
  [
    'a star in a service account',
    source({ serviceAccounts: ['a*'] }),
    'spec.rules[0].from[0].source.serviceAccounts[0]',
    /must not hold/,
  ],
  [
    'a service account of three parts',
    source({ serviceAccounts: ['a/b/c'] }),
    'spec.rules[0].from[0].source.serviceAccounts[0]',
    /"namespace\/account"/,
  ],
  [
    '17 service accounts',
    source({ serviceAccounts: Array.from({ length: 17 }, (_, n) => `a${n}`) }),
    'spec.rules[0].from[0].source.serviceAccounts',
    /at most 16/,
  ],
  [
    'a star inside a trust domain',
    source({ trustDomains: ['a*b'] }),
    'spec.rules[0].from[0].source.trustDomains[0]',
    /start or the end/,
  ],
  [
    'two stars in a trust domain',
    source({ trustDomains: ['*a*'] }),
    'spec.rules[0].from[0].source.trustDomains[0]',
    /at most one/,
  ],
  [
    'a trust domain with a path',
    source({ trustDomains: ['a/b'] }),
    'spec.rules[0].from[0].source.trustDomains[0]',
    /without "\/"/,
  ],
  ['the template {x}', operation({ paths: ['/{x}'] }), 'spec.rules[0].to[0].operation.paths[0]', /operators/],
  [
    'a template that is half a segment',
    operation({ paths: ['/{*}.txt'] }),
    'spec.rules[0].to[0].operation.paths[0]',
    /whole segment/,
  ],
  [
    'a star beside a template',
    operation({ paths: ['/*/a/{*}'] }),
    'spec.rules[0].to[0].operation.paths[0]',
    /cannot be used together/,
  ],
  [
    'an operator after {**}',
    operation({ paths: ['/{**}/{*}'] }),
    'spec.rules[0].to[0].operation.paths[0]',
    /last operator/,
  ],
  ['two {**}', operation({ paths: ['/{**}/a/{**}'] }), 'spec.rules[0].to[0].operation.paths[0]', /last operator/],
  [
    'a template with what no path holds',
    operation({ paths: ['/a b/{*}'] }),
    'spec.rules[0].to[0].operation.paths[0]',
    /cannot have/,
  ],
  ['a condition without key', when({ values: ['a'] }), 'spec.rules[0].when[0]', /needs a key/],
  ['a condition with an empty key', when({ key: '', values: ['a'] }), 'spec.rules[0].when[0].key', /must not be empty/],
  ['a condition without values', when({ key: 'source.ip' }), 'spec.rules[0].when[0]', /values or notValues/],
  [
    'a condition with an empty list',
    when({ key: 'source.ip', values: [] }),
    'spec.rules[0].when[0]',
    /values or notValues/,
  ],
  [
    'a condition with an unknown key',
    when({ key: 'source.port', values: ['1'] }),
    'spec.rules[0].when[0].key',
    /unknown key/,
  ],
  [
    'destination.namespace',
    when({ key: 'destination.namespace', values: ['a'] }),
    'spec.rules[0].when[0].key',
    /unknown key/,
  ],
  [
    'destination.labels',
    when({ key: 'destination.labels[a]', values: ['a'] }),
    'spec.rules[0].when[0].key',
    /unknown key/,
  ],
  ['destination.name', when({ key: 'destination.name', values: ['a'] }), 'spec.rules[0].when[0].key', /unknown key/],
  ['destination.user', when({ key: 'destination.user', values: ['a'] }), 'spec.rules[0].when[0].key', /unknown key/],
  [
    'a header without name',
    when({ key: 'request.headers', values: ['a'] }),
    'spec.rules[0].when[0].key',
    /request.headers\[name\]/,
  ],
  [
    'a header with an open bracket',
    when({ key: 'request.headers[a', values: ['a'] }),
    'spec.rules[0].when[0].key',
    /request.headers\[name\]/,
  ],
  [
    'a header name with a space',
    when({ key: 'request.headers[a b]', values: ['a'] }),
    'spec.rules[0].when[0].key',
    /cannot be the name/,
  ],
  [
    'a claim without name',
    when({ key: 'request.auth.claims[]', values: ['a'] }),
    'spec.rules[0].when[0].key',
    /request.auth.claims\[name\]/,
  ],
  [
    'a port condition that is no port',
    when({ key: 'destination.port', values: ['x'] }),
    'spec.rules[0].when[0].values[0]',
    /port number/,
  ],
  [
    'an address condition that is no address',
    when({ key: 'source.ip', notValues: ['x'] }),
    'spec.rules[0].when[0].notValues[0]',
    /not an IP/,
  ],
  ['513 rules', policy({ rules: Array.from({ length: 513 }, () => ({})) }), 'spec.rules', /at most 512/],
  [
    '17 targets',
    policy({ targetRefs: Array.from({ length: 17 }, (_, n) => ({ kind: 'Service', name: `a${n}` })) }),
    'spec.targetRefs',
    /at most 16/,
  ],
  [
    'a target of another namespace',
    policy({ targetRefs: [{ kind: 'Service', name: 'a', namespace: 'b' }] }),
    'spec.targetRefs[0].namespace',
    /own namespace only/,
  ],
  [
    'a target of an unknown kind',
    policy({ targetRefs: [{ kind: 'Pod', name: 'a' }] }),
    'spec.targetRefs[0].kind',
    /unknown value "Pod"/,
  ],
  [
    'a target of the wrong group',
    policy({ targetRefs: [{ kind: 'Gateway', name: 'a' }] }),
    'spec.targetRefs[0]',
    /group of kind Gateway/,
  ],
  [
    'CUSTOM with principals',
    custom({ from: [{ source: { principals: ['a'] } }] }),
    'spec.rules[0].from[0].source.principals',
    /with action CUSTOM/,
  ],
  [
    'CUSTOM with notNamespaces',
    custom({ from: [{ source: { notNamespaces: ['a'] } }] }),
    'spec.rules[0].from[0].source.notNamespaces',
    /with action CUSTOM/,
  ],
  [
    'CUSTOM with a source.principal condition',
    custom({ when: [{ key: 'source.principal', values: ['a'] }] }),
    'spec.rules[0].when[0].key',
    /with action CUSTOM/,
  ],
  [
    'CUSTOM with a claim',
    custom({ when: [{ key: 'request.auth.claims[a]', values: ['a'] }] }),
    'spec.rules[0].when[0].key',
    /with action CUSTOM/,
  ],
  [
    'a dry run of a PeerAuthentication',
    { ...peer({}), metadata: { name: 'x', annotations: { 'istio.io/dry-run': 'true' } } },
    'metadata.annotations["istio.io/dry-run"]',
    /no meaning for PeerAuthentication/,
  ],
  [
    'a dry run of an AUDIT policy',
    { ...policy({ action: 'AUDIT' }), metadata: { name: 'x', annotations: { 'istio.io/dry-run': 'true' } } },
    'metadata.annotations["istio.io/dry-run"]',
    /no meaning for action AUDIT/,
  ],
  [
    'a dry run of "yes"',
    { ...policy({}), metadata: { name: 'x', annotations: { 'istio.io/dry-run': 'yes' } } },
    'metadata.annotations["istio.io/dry-run"]',
    /must be "true" or "false"/,
  ],
  [
    'a port mode without selector',
    peer({ portLevelMtls: { 80: { mode: 'STRICT' } } }),
    'spec.portLevelMtls',
    /needs a selector/,
  ],
  [
    'a port mode with an empty selector',
    peer({ selector: {}, portLevelMtls: { 80: { mode: 'STRICT' } } }),
    'spec.portLevelMtls',
    /needs a selector/,
  ],
  ['no port at all', peer({ ...labelled, portLevelMtls: {} }), 'spec.portLevelMtls', /at least one port/],
  [
    'port 0 of a workload',
    peer({ ...labelled, portLevelMtls: { 0: {} } }),
    'spec.portLevelMtls["0"]',
    /from 1 to 65535/,
  ],
  [
    'port 65536 of a workload',
    peer({ ...labelled, portLevelMtls: { 65536: {} } }),
    'spec.portLevelMtls["65536"]',
    /from 1 to 65535/,
  ],
  ['an unknown mode', peer({ mtls: { mode: 'MUTUAL' } }), 'spec.mtls.mode', /unknown value "MUTUAL"/],
];

for (const [fact, json, field, message] of refused) {
  test(`refuses ${fact}`, () => {
    const parsed = parseResource(json);
    assert.ok(!parsed.ok);
    const errors = parsed.problem.filter((problem) => problem.severity === 'error');
    assert.deepEqual(
      errors.map((problem) => problem.field),
      [field],
    );
    assert.match(errors[0]?.message ?? '', message);
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
