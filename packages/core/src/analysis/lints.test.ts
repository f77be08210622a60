import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { analyze, LINTS, type MeshState } from '../analysis.ts';
import { documentsOf, findingsOf, type LintCase, ruleFor, WEB as web, workload } from '../testing/lints.ts';
import { TRAFFIC_CASES } from '../testing/traffic-lint-cases.ts';
import { resourcesOf } from '../testing/documents.ts';

const ORDERS = workload('shop/orders');
const STATE: MeshState = { version: '1.0.0', planes: [], certificates: [], hasAccessLog: true };
const HOUR = 3_600_000;
const scopes = (more: string): string =>
  `ServiceTokenPolicy shop/scopes {selector: {matchLabels: {app: web}}, issuer: "https://b", jwksUri: "https://b/keys", audience: a, ${more}rules: [{scopes: [x]}]}`;
const ask = (name: string, provider: string, labels = '{app: web}'): string =>
  `AuthorizationPolicy shop/${name} {selector: {matchLabels: ${labels}}, action: CUSTOM, provider: {name: ${provider}}, rules: [{}]}`;
const PARTNER =
  'FederatedTrustDomain istio-system/partner {trustDomain: partner.example, bundleEndpointUrl: "https://a/", bundleEndpointProfile: {type: https_web}}';
const fromWeb = `from: [{source: {principals: [${web}]}}]`;

const cases: readonly LintCase[] = [
  ...TRAFFIC_CASES,
  {
    code: 'RAMP1001',
    fires: 'PeerAuthentication production/default {mtls: {mode: PERMISSIVE}}',
    says: /^PERMISSIVE lets plaintext into namespace production/,
    field: 'spec.mtls.mode',
    silent: 'PeerAuthentication legacy/default {mtls: {mode: PERMISSIVE}}',
  },
  {
    code: 'RAMP1001',
    fires: 'Namespace shop [env=production]',
    says: /^PERMISSIVE lets plaintext into namespace shop/,
    silent: 'Namespace shop [env=production]\nPeerAuthentication istio-system/default {mtls: {mode: STRICT}}',
  },
  {
    code: 'RAMP1001',
    fires:
      'Namespace shop [environment=production]\nPeerAuthentication istio-system/default {mtls: {mode: PERMISSIVE}}',
    says: /^PERMISSIVE/,
    silent: 'Namespace shop [environment=staging]\nPeerAuthentication istio-system/default {mtls: {mode: PERMISSIVE}}',
  },
  {
    code: 'RAMP1002',
    fires:
      'PeerAuthentication shop/web {selector: {matchLabels: {app: web}}, portLevelMtls: {"8080": {mode: PERMISSIVE}}}',
    says: /plaintext in on port 8080/,
    field: 'spec.portLevelMtls["8080"].mode',
    silent:
      'PeerAuthentication shop/web {selector: {matchLabels: {app: web}}, portLevelMtls: {"8080": {mode: STRICT}}}',
  },
  {
    code: 'RAMP1003',
    fires: 'PeerAuthentication shop/default {mtls: {mode: STRICT}}',
    says: /no PeerAuthentication of namespace istio-system/,
    silent: 'PeerAuthentication istio-system/default {mtls: {mode: STRICT}}',
  },
  {
    code: 'RAMP1004',
    fires: 'PeerAuthentication shop/default {mtls: {mode: DISABLE}}',
    says: /turns mutual TLS off/,
    field: 'spec.mtls.mode',
    silent: 'PeerAuthentication shop/default {mtls: {mode: PERMISSIVE}}',
  },
  {
    code: 'RAMP1005',
    fires: 'Namespace shop [istio-injection=disabled]',
    says: /keeps namespace shop out of the mesh/,
    silent: 'Namespace shop [istio-injection=enabled]',
  },
  {
    code: 'RAMP1005',
    fires: '',
    says: /bypasses/,
    options: { workloads: [workload('shop/fast', { labels: { 'sidecar.istio.io/inject': 'false' } })] },
    silent: '',
    silentOptions: { workloads: [ORDERS] },
  },
  {
    code: 'RAMP1006',
    fires:
      'PeerAuthentication shop/b {mtls: {mode: PERMISSIVE}}\nPeerAuthentication shop/a {selector: {matchLabels: {}}, mtls: {mode: STRICT}}',
    says: /^shop\/a is about the same workloads/,
    field: 'metadata.name',
    silent:
      'PeerAuthentication shop/a {mtls: {mode: STRICT}}\nPeerAuthentication other/b {mtls: {mode: STRICT}}\nPeerAuthentication shop/c {selector: {matchLabels: {app: c}}, mtls: {mode: STRICT}}',
  },
  {
    code: 'RAMP3007',
    fires: 'PeerAuthentication istio-system/a {selector: {matchLabels: {app: a}}, mtls: {mode: STRICT}}',
    says: /^is ignored: in the root namespace/,
    field: 'spec.selector',
    silent: ruleFor(`{${fromWeb}}`),
  },
  {
    code: 'RAMP3007',
    fires: ruleFor('{to: [{operation: {paths: ["/a/*/b"], notPaths: ["/c/*/d"]}}]}'),
    says: /matched literally/,
    field: 'spec.rules[0].to[0].operation.notPaths[0]',
    silent: ruleFor('{to: [{operation: {paths: ["/a/*/b"]}}]}'),
  },
  {
    code: 'RAMP3007',
    fires: ruleFor('{to: [{operation: {methods: [POST]}}]}', 'one', 'DENY'),
    says: /^denies all traffic to TCP ports/,
    field: 'spec.rules[0]',
    silent: ruleFor('{to: [{operation: {methods: [POST]}}]}', 'one', 'DENY'),
    silentOptions: { workloads: [ORDERS] },
  },
  {
    code: 'RAMP2001',
    fires: ruleFor('{}'),
    says: /allows everything to everybody/,
    field: 'spec.rules[0]',
    silent: ruleFor(`{${fromWeb}, to: [{operation: {paths: [/orders/*]}}]}`),
  },
  {
    code: 'RAMP2001',
    fires: ruleFor('{from: [{source: {principals: ["*"]}}], to: [{operation: {paths: [/x]}}]}'),
    says: /every identity there is/,
    field: 'spec.rules[0].from[0].source.principals',
    silent: ruleFor('{}', 'one', 'DENY'),
  },
  {
    code: 'RAMP2001',
    fires: ruleFor(`{${fromWeb}, to: [{operation: {methods: ["*"], paths: ["/*"]}}]}`),
    says: /every method and path/,
    field: 'spec.rules[0].to[0].operation',
    silent: ruleFor(`{${fromWeb}, to: [{operation: {methods: [GET], paths: ["/*"]}}]}`),
  },
  {
    code: 'RAMP2001',
    fires: ruleFor('{to: [{operation: {methods: [GET]}}]}'),
    says: /lets in everybody who reaches the port/,
    silent: ruleFor('{when: [{key: source.namespace, values: [shop]}]}'),
  },
  {
    code: 'RAMP2002',
    fires: 'AuthorizationPolicy shop/orders {selector: {matchLabels: {app: orders}}}',
    says: /namespace shop has no default deny/,
    silent: 'AuthorizationPolicy shop/deny-all {}',
  },
  {
    code: 'RAMP2002',
    fires: 'AuthorizationPolicy shop/deny-all [istio.io/dry-run=true] {}',
    says: /namespace shop/,
    silent: 'Namespace shop\nAuthorizationPolicy istio-system/deny-all {}',
  },
  {
    code: 'RAMP2003',
    fires: 'AuthorizationPolicy shop/web {selector: {matchLabels: {app: web}}}',
    says: /is about service orders\.shop/,
    options: { workloads: [ORDERS] },
    silent: 'AuthorizationPolicy shop/orders {selector: {matchLabels: {app: orders}}}',
  },
  {
    code: 'RAMP2004',
    fires: 'AuthorizationPolicy shop/next [istio.io/dry-run=true] {}',
    says: /tried out only/,
    field: 'metadata.annotations["istio.io/dry-run"]',
    silent: 'AuthorizationPolicy shop/next {}',
  },
  {
    code: 'RAMP2005',
    fires: ruleFor('{from: [{source: {requestPrincipals: ["https://a/*"]}}]}'),
    says: /no RequestAuthentication for these workloads/,
    field: 'spec.rules[0].from[0].source.requestPrincipals',
    silent: `${ruleFor('{from: [{source: {requestPrincipals: ["https://a/*"]}}]}')}\nRequestAuthentication shop/jwt {jwtRules: [{issuer: "https://a"}]}`,
  },
  {
    code: 'RAMP2005',
    fires: `${ruleFor('{when: [{key: "request.auth.claims[groups]", values: [x]}]}')}\nRequestAuthentication other/jwt {jwtRules: [{issuer: "https://a"}]}`,
    says: /no RequestAuthentication/,
    field: 'spec.rules[0].when[0].key',
    silent: ruleFor('{when: [{key: "request.headers[x]", values: [x]}]}'),
  },
  {
    code: 'RAMP2006',
    fires: `RequestAuthentication shop/users {selector: {matchLabels: {app: web}}, jwtRules: [{issuer: "https://a"}]}\n${scopes('')}`,
    says: /RequestAuthentication shop\/users looks for tokens in the same place and takes none of https:\/\/b/,
    field: 'spec.issuer',
    silent: `RequestAuthentication shop/users {selector: {matchLabels: {app: web}}, jwtRules: [{issuer: "https://a"}]}\n${scopes('fromHeaders: [{name: x-service}], ')}`,
  },
  {
    code: 'RAMP2006',
    fires: `RequestAuthentication istio-system/users {jwtRules: [{issuer: "https://a"}]}\n${scopes('')}`,
    says: /istio-system\/users/,
    silent: `RequestAuthentication shop/users {jwtRules: [{issuer: "https://a"}, {issuer: "https://b"}]}\n${scopes('')}\nRequestAuthentication other/users {jwtRules: [{issuer: "https://c"}]}`,
  },
  {
    code: 'RAMP2007',
    fires: `${PARTNER}\n${ruleFor('{from: [{source: {namespaces: [web]}}]}')}`,
    says: /^matches partner\.example too, .* trustDomains: \[cluster\.local\]/,
    field: 'spec.rules[0].from[0].source.namespaces',
    silent: `${PARTNER}\n${ruleFor('{from: [{source: {namespaces: [web], trustDomains: [cluster.local]}}]}')}`,
  },
  {
    code: 'RAMP2007',
    fires: `${PARTNER}\n${ruleFor('{from: [{source: {serviceAccounts: [web]}}]}')}`,
    says: /^matches partner\.example too/,
    field: 'spec.rules[0].from[0].source.serviceAccounts',
    silent: ruleFor('{from: [{source: {serviceAccounts: [web]}}]}'),
  },
  {
    code: 'RAMP2007',
    fires: `${PARTNER}\n${ruleFor('{from: [{source: {namespaces: ["*"]}}]}')}`,
    says: /^matches partner\.example too/,
    silent: `${PARTNER}\n${ruleFor('{from: [{source: {namespaces: ["*"]}}]}', 'one', 'DENY')}`,
  },
  {
    code: 'RAMP3001',
    fires: 'AuthorizationPolicy shop/web {selector: {matchLabels: {app: web}}}',
    says: /selects no workload/,
    field: 'spec.selector',
    options: { workloads: [ORDERS] },
    silent: 'AuthorizationPolicy shop/orders {selector: {matchLabels: {app: orders}}}',
  },
  {
    code: 'RAMP3002',
    fires: ruleFor('{to: [{operation: {methods: [get]}}]}'),
    says: /"get" never matches: methods are upper case: "GET"/,
    field: 'spec.rules[0].to[0].operation.methods[0]',
    silent: ruleFor('{to: [{operation: {methods: [GET], paths: [/a, "*.html"], notPaths: [/a/b]}}]}'),
  },
  {
    code: 'RAMP3002',
    fires: ruleFor('{to: [{operation: {paths: ["/a?b=1"]}}]}'),
    says: /without their query/,
    silent: ruleFor(`{from: [{source: {principals: [${web}], namespaces: [shop]}}]}`),
  },
  {
    code: 'RAMP3002',
    fires: ruleFor('{to: [{operation: {paths: [orders]}}]}'),
    says: /begins with a slash/,
    silent: ruleFor('{when: [{key: "request.headers[x]", values: [a], notValues: [b]}]}'),
  },
  {
    code: 'RAMP3002',
    fires: ruleFor('{to: [{operation: {paths: [/a/../b]}}]}'),
    says: /reaches policies as \/b/,
    silent: ruleFor('{from: [{source: {requestPrincipals: ["https://a/*"]}}]}'),
  },
  {
    code: 'RAMP3002',
    fires: ruleFor('{to: [{operation: {methods: [GET], notMethods: ["*"]}}]}'),
    says: /notMethods takes away all of methods/,
    silent: ruleFor('{to: [{operation: {paths: ["/a/*"], notPaths: ["/a/b*"]}}]}'),
  },
  {
    code: 'RAMP3002',
    fires: ruleFor(`{from: [{source: {principals: [${web}], namespaces: [other]}}]}`),
    says: /none of the principals/,
    silent: ruleFor(`{from: [{source: {principals: [${web}], namespaces: ["sh*"]}}]}`),
  },
  {
    code: 'RAMP3002',
    fires: ruleFor('{when: [{key: source.namespace, values: [a]}, {key: source.namespace, values: [b]}]}'),
    says: /another condition on source\.namespace/,
    silent: ruleFor(
      '{when: [{key: "request.auth.claims[groups]", values: [a]}, {key: "request.auth.claims[groups]", values: [b]}]}',
    ),
  },
  {
    code: 'RAMP3002',
    fires: ruleFor('{to: [{operation: {ports: ["80"]}}]}'),
    says: /listens on 80, but on 8080/,
    options: { workloads: [ORDERS] },
    silent: ruleFor('{to: [{operation: {ports: ["80", "8080"]}}]}'),
  },
  {
    code: 'RAMP3003',
    fires: `${ruleFor(`{${fromWeb}}`)}\n${ruleFor(`{${fromWeb}, to: [{operation: {methods: [GET]}}]}`, 'two')}`,
    says: /rules\[0\] of ALLOW policy shop\/one already allows all/,
    field: 'spec.rules[0]',
    silent: `${ruleFor(`{${fromWeb}, to: [{operation: {methods: [POST]}}]}`)}\n${ruleFor(`{${fromWeb}, to: [{operation: {methods: [GET]}}]}`, 'two')}`,
  },
  {
    code: 'RAMP3003',
    fires: ruleFor('{to: [{operation: {paths: ["/a/*"]}}]}, {to: [{operation: {paths: [/a/b, "/a/c*"]}}]}'),
    says: /^rules\[0\] already allows/,
    field: 'spec.rules[1]',
    silent: ruleFor('{to: [{operation: {paths: ["/a/*"]}}]}, {to: [{operation: {paths: [/a, "/a/c*"]}}]}'),
  },
  {
    code: 'RAMP3003',
    fires: `${ruleFor('{from: [{source: {notNamespaces: [ops]}}]}', 'no', 'DENY')}\n${ruleFor('{from: [{source: {notNamespaces: [ops, web]}}]}', 'yes')}`,
    says: /denies all that this rule allows/,
    silent: `${ruleFor('{from: [{source: {notNamespaces: [ops, web]}}]}', 'no', 'DENY')}\n${ruleFor('{from: [{source: {notNamespaces: [ops]}}]}', 'yes')}`,
  },
  {
    code: 'RAMP3003',
    fires: `${ruleFor(`{${fromWeb}}`)}\nAuthorizationPolicy shop/two {selector: {matchLabels: {app: a}}, rules: [{${fromWeb}}]}`,
    says: /shop\/one already allows/,
    silent: `AuthorizationPolicy shop/one {selector: {matchLabels: {app: b}}, rules: [{${fromWeb}}]}\nAuthorizationPolicy shop/two {selector: {matchLabels: {app: a}}, rules: [{${fromWeb}}]}`,
  },
  {
    code: 'RAMP3003',
    fires:
      'AuthorizationPolicy istio-system/a {rules: [{from: [{source: {serviceAccounts: [shop/web]}}]}]}\nAuthorizationPolicy shop/b {rules: [{from: [{source: {serviceAccounts: [shop/web]}}]}]}',
    says: /istio-system\/a already/,
    silent:
      'AuthorizationPolicy istio-system/a {rules: [{from: [{source: {serviceAccounts: [web]}}]}]}\nAuthorizationPolicy shop/b {rules: [{from: [{source: {serviceAccounts: [web]}}]}]}',
  },
  {
    code: 'RAMP3003',
    fires: `${ruleFor('{from: [{source: {principals: ["cluster.local/ns/shop/*"]}}]}')}\n${ruleFor(`{${fromWeb}}`, 'two')}`,
    says: /shop\/one already allows/,
    silent: `${ruleFor('{from: [{source: {principals: ["cluster.local/ns/shop/*"]}}]}')}\n${ruleFor(`{${fromWeb}}`, 'two')}`,
    silentOptions: { trustDomain: 'example.org' },
  },
  {
    code: 'RAMP3004',
    fires: ruleFor('{to: [{operation: {methods: [GET]}}]}'),
    says: /port 5432 of .*sa\/db speaks tcp: there the whole rule is dropped/,
    field: 'spec.rules[0].to[0].operation.methods',
    options: { workloads: [workload('shop/db', { port: 5432, protocol: 'tcp' })] },
    silent: ruleFor('{to: [{operation: {ports: ["5432"]}}]}'),
  },
  {
    code: 'RAMP3004',
    fires: ruleFor('{to: [{operation: {methods: [POST]}}]}', 'one', 'DENY'),
    says: /matches more than it says/,
    options: { workloads: [workload('shop/db', { port: 5432, protocol: 'tcp' })] },
    silent: ruleFor('{to: [{operation: {methods: [POST], ports: ["8080"]}}]}', 'one', 'DENY'),
  },
  {
    code: 'RAMP3005',
    fires: ruleFor('{from: [{source: {principals: [cluster.local/ns/shop/sa/order]}}]}'),
    says: /no workload has the identity .*; did you mean cluster\.local\/ns\/shop\/sa\/orders\?/,
    field: 'spec.rules[0].from[0].source.principals[0]',
    options: { workloads: [ORDERS], identities: [web] },
    silent: ruleFor(
      `{from: [{source: {principals: [${web}, other.example/ns/a/sa/b, "*/sa/x"]}}, {source: {serviceAccounts: [orders]}}]}`,
    ),
  },
  {
    code: 'RAMP3006',
    fires: ruleFor(`{${fromWeb}}, {to: [{operation: {methods: [GET]}}]}`),
    says: /from of one rule and to of the next are two rules/,
    field: 'spec.rules[1]',
    silent: ruleFor(`{${fromWeb}, to: [{operation: {methods: [GET]}}]}, {from: [{source: {namespaces: [ops]}}]}`),
  },
  {
    code: 'RAMP3006',
    fires: ruleFor(`{from: [{source: {principals: [${web}]}}, {source: {requestPrincipals: ["https://a/*"]}}]}`),
    says: /principals and requestPrincipals stand in two sources/,
    field: 'spec.rules[0].from[1]',
    silent: ruleFor(`{from: [{source: {principals: [${web}]}}, {source: {namespaces: [ops]}}]}`),
  },
  {
    code: 'RAMP3006',
    fires: ruleFor('{to: [{operation: {methods: [GET]}}, {operation: {paths: [/a]}}]}'),
    says: /two operations/,
    silent: ruleFor('{to: [{operation: {methods: [GET], paths: [/a]}}, {operation: {paths: [/b]}}]}'),
  },
  {
    code: 'RAMP4001',
    fires: '',
    says: /good for 240 hours/,
    options: { state: { ...STATE, certificates: [{ principal: web, lifetimeMs: 240 * HOUR }] } },
    silent: '',
    silentOptions: { state: { ...STATE, certificates: [{ principal: web, lifetimeMs: 168 * HOUR }] } },
  },
  {
    code: 'RAMP4002',
    fires: '',
    says: /good for 48 hours/,
    options: { state: { ...STATE, certificates: [{ principal: web, lifetimeMs: 48 * HOUR }] } },
    silent: '',
    silentOptions: { state: { ...STATE, certificates: [{ principal: web, lifetimeMs: 24 * HOUR + 60_000 }] } },
  },
  {
    code: 'RAMP4003',
    fires: 'Namespace production\nNetworkPolicy production/in {podSelector: {}, policyTypes: [Ingress]}',
    says: /no NetworkPolicy of namespace production/,
    silent: 'Namespace production\nNetworkPolicy production/out {podSelector: {}, policyTypes: [Egress]}',
  },
  {
    code: 'RAMP4004',
    fires: ruleFor('{when: [{key: "request.headers[x-api-key]", values: [valid-key]}]}'),
    says: /looks like a credential/,
    field: 'spec.rules[0].when[0].values[0]',
    silent: ruleFor('{when: [{key: "request.headers[x-api-version]", values: [valid-version-1]}]}'),
  },
  {
    code: 'RAMP4004',
    fires: ruleFor('{when: [{key: "request.headers[x-team]", values: [a8F3kLm29QxZ7pRt5vWy1]}]}'),
    says: /looks like a credential/,
    silent: ruleFor('{when: [{key: "request.headers[x-api-key]", values: ["*"]}]}'),
  },
  {
    code: 'RAMP4004',
    fires: 'AuthorizationPolicy shop/a [note=AKIAABCDEFGHIJKLMNOP] {}',
    says: /looks like a credential/,
    field: 'metadata.annotations.note',
    silent: 'AuthorizationPolicy shop/a [note=see-the-runbook] {}',
  },
  {
    code: 'RAMP4005',
    fires: '',
    says: /no request is on record/,
    options: { state: { ...STATE, planes: [{ name: 'a', version: '1.0.0' }], hasAccessLog: false } },
    silent: '',
    silentOptions: { state: { ...STATE, planes: [{ name: 'a', version: '1.0.0' }] } },
  },
  {
    code: 'RAMP4006',
    fires: '',
    says: /data plane a is of version 0\.9\.0/,
    options: { state: { ...STATE, planes: [{ name: 'a', version: '0.9.0' }] } },
    silent: '',
    silentOptions: { state: { ...STATE, planes: [{ name: 'a', version: '1.0.0' }] } },
  },
  {
    code: 'RAMP4007',
    fires: 'AuthorizationPolicy shop/ask {action: CUSTOM, provider: {name: opaa}, rules: [{}]}',
    says: /no authorizer is named "opaa"/,
    field: 'spec.provider.name',
    silent: `AuthorizationPolicy shop/ask {action: CUSTOM, provider: {name: opa}, rules: [{}]}\nMeshConfig istio-system/default {extensionProviders: [{name: opa, envoyExtAuthzHttp: {service: opa.ops.svc.cluster.local, port: 80}}]}`,
  },
  {
    code: 'RAMP4008',
    fires:
      'MeshConfig istio-system/default {extensionProviders: [{name: opa, envoyExtAuthzHttp: {service: opa.ops.svc.cluster.local, port: 80}}]}',
    says: /no CUSTOM policy names opa/,
    field: 'spec.extensionProviders[0]',
    silent: `AuthorizationPolicy shop/ask {action: CUSTOM, provider: {name: opa}, rules: [{}]}\nMeshConfig istio-system/default {extensionProviders: [{name: opa, envoyExtAuthzHttp: {service: opa.ops.svc.cluster.local, port: 80}}]}`,
  },
  {
    code: 'RAMP4009',
    fires: `${ask('one', 'opa')}\n${ask('two', 'gate', '{app: web, tier: x}')}`,
    says: /AuthorizationPolicy shop\/one asks opa about the same workloads/,
    field: 'spec.provider.name',
    silent: `${ask('one', 'opa')}\n${ask('two', 'opa')}\n${ask('three', 'gate', '{app: orders}')}`,
  },
];

suite('a lint', () => {
  for (const { code, fires, says, field, silent, options, silentOptions } of cases) {
    test(`${code} finds ${says.source}`, () => {
      const found = findingsOf(fires, code, options);
      assert.equal(found.length, 1, JSON.stringify(found.map(({ message }) => message)));
      assert.match(found[0]?.message ?? '', says);
      if (field !== undefined) assert.equal(found[0]?.field, field);
      assert.deepEqual(
        findingsOf(silent, code, silentOptions ?? options).map(({ message }) => message),
        [],
      );
    });
  }
});

test('every lint is tried, and its code is its own', () => {
  const codes = LINTS.map(({ code }) => code);
  assert.equal(new Set(codes).size, codes.length);
  assert.equal(new Set(LINTS.map(({ name }) => name)).size, codes.length);
  assert.deepEqual([...new Set(cases.map(({ code }) => code))].toSorted(), codes.toSorted());
});

test('what cannot be seen is said to be unchecked, with the reason', () => {
  const facts = { rootNamespace: 'istio-system', trustDomain: 'cluster.local', resources: [] };
  const { unchecked } = analyze({ ...facts, workloads: undefined });
  const reasons = new Map(unchecked.map(({ code, reason }) => [code, reason]));
  assert.match(reasons.get('RAMP4001') ?? '', /running mesh/);
  assert.match(reasons.get('RAMP3001') ?? '', /--workloads/);
  assert.deepEqual(analyze({ ...facts, workloads: [], state: STATE }).unchecked, []);
});

test('an annotation silences a lint for its resource, by code or name; an option for all', () => {
  const policy = (ignored: string): string =>
    `AuthorizationPolicy shop/one [rampart.dev/ignore=${ignored}] {rules: [{}]}`;
  assert.equal(findingsOf(policy('RAMP9999'), 'RAMP2001').length, 1);
  assert.equal(findingsOf(policy('RAMP9999, RAMP2001'), 'RAMP2001').length, 0);
  assert.equal(findingsOf(policy('wildcard-policy'), 'RAMP2001').length, 0);
  const facts = { rootNamespace: 'istio-system', trustDomain: 'cluster.local', workloads: undefined };
  const { findings } = analyze({ ...facts, resources: resourcesOf(documentsOf(policy('x'))) }, ['wildcard-policy']);
  assert.equal(findings.filter(({ code }) => code === 'RAMP2001').length, 0);
});

test('no finding ever shows the secret that it is about', () => {
  const secret = 'a8F3kLm29QxZ7pRt5vWy1';
  const text = ruleFor(`{when: [{key: "request.headers[authorization]", values: [${secret}]}]}`);
  const parts = { rootNamespace: 'istio-system', trustDomain: 'cluster.local', workloads: undefined };
  const { findings } = analyze({ ...parts, resources: resourcesOf(documentsOf(text)) });
  assert.ok(findings.some(({ code }) => code === 'RAMP4004'));
  for (const { message } of findings) assert.doesNotMatch(message, new RegExp(secret));
});
