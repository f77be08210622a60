import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTraffic, type ServiceName } from '../../index.ts';
import { resourcesOf } from '../../testing/documents.ts';
import { TrafficReview } from './review.ts';

const SERVICES: ReadonlyMap<string, readonly number[]> = new Map([
  ['shop/orders', [8080, 9090]],
  ['shop/users', []],
  ['people/profiles', [7070]],
]);

/** A rule of a namespace from its spec in YAML's flow form. */
const rule = (kind: string, spec: string, place = 'shop/rule'): string => {
  const [namespace, name] = place.split('/');
  return `apiVersion: networking.istio.io/v1\nkind: ${kind}\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: ${spec}\n---\n`;
};
const virtualService = (host: string, place?: string, more = ''): string =>
  rule('VirtualService', `{hosts: ["${host}"]${more}, http: [{route: [{destination: {host: orders.shop}}]}]}`, place);
const sending = (destination: string): string =>
  rule('VirtualService', `{hosts: [orders], http: [{route: [{destination: ${destination}}]}]}`);
const destinationRule = (spec: string, place?: string): string => rule('DestinationRule', spec, place);
const policy = (spec: string): string => destinationRule(`{host: orders, trafficPolicy: ${spec}}`);
const ENTRY = rule(
  'ServiceEntry',
  '{hosts: [api.example.com], ports: [{number: 443, name: tls, protocol: TLS}]}',
  'shop/entry',
);

/** "error field: message" of everything that is said of the first rule of a text. */
function said(text: string): string[] {
  const resources = resourcesOf(text);
  const isRegistered = ({ name, namespace }: ServiceName): boolean => SERVICES.has(`${namespace}/${name}`);
  const first = resources.find(isTraffic);
  assert.ok(first !== undefined);
  const servedPorts = ({ name, namespace }: ServiceName): ReadonlySet<number> =>
    new Set(SERVICES.get(`${namespace}/${name}`));
  const review = new TrafficReview({ resources, rootNamespace: 'istio-system', isRegistered, servedPorts });
  return review.of(first).map(({ severity, field, message }) => `${severity} ${field}: ${message}`);
}

const findings: readonly (readonly [fact: string, text: string, expected: RegExp])[] = [
  [
    'a host that has not registered yet',
    virtualService('carts'),
    /^error spec\.hosts\[0\]: no instance of service carts of namespace shop.*--allow-unknown-services/,
  ],
  [
    'a host that is nowhere',
    virtualService('api.example.org'),
    /^error spec\.hosts\[0\]: api\.example\.org is no service of the mesh, and no ServiceEntry/,
  ],
  [
    'a host outside that requests are not sent to by way of a service',
    rule(
      'VirtualService',
      '{hosts: [api.example.com], http: [{timeout: 1s, route: [{destination: {host: orders.shop}}]}], tcp: [{route: [{destination: {host: orders.shop}}]}]}',
    ) + ENTRY,
    /^error spec\.hosts\[0\]: .* outside the mesh: requests are routed among services/,
  ],
  [
    'a destination that has not registered yet',
    sending('{host: carts}'),
    /^error spec\.http\[0\]\.route\[0\]\.destination\.host: no instance of service carts/,
  ],
  [
    'a destination that is nowhere',
    sending('{host: a.b.example}'),
    /^error .*destination\.host: a\.b\.example is no service of the mesh/,
  ],
  [
    'a destination outside',
    sending('{host: api.example.com}') + ENTRY,
    /^error .*destination\.host: .* outside the mesh/,
  ],
  [
    'a copy for a service that has not registered yet',
    rule('VirtualService', '{hosts: [orders], http: [{route: [{destination: {host: users}}], mirror: {host: carts}}]}'),
    /^error .*mirrors\[0\]\.destination\.host: no instance of service carts/,
  ],
  [
    'a policy for a service that has not registered yet',
    destinationRule('{host: carts}'),
    /^error spec\.host: no instance of service carts/,
  ],
  [
    'an answer for a service that has not registered yet',
    rule('Fallback', '{host: carts, response: {status: 200}}').replace('networking.istio.io/v1', 'rampart.dev/v1'),
    /^error spec\.host: no instance of service carts/,
  ],
  [
    'a port that nobody serves',
    sending('{host: orders, port: {number: 8081}}'),
    /^error .*destination\.port\.number: no instance of orders\.shop\S* serves port 8081: they serve 8080, 9090$/,
  ],
  [
    'a subset that no rule defines',
    sending('{host: orders, subset: v2}'),
    /^error .*destination\.subset: no DestinationRule of orders\.shop.* defines subset "v2": apply one/,
  ],
  [
    'a subset that the rule has not',
    sending('{host: orders, subset: v2}') + destinationRule('{host: orders, subsets: [{name: v1}]}'),
    /^error .*subset: .*: it has v1$/,
  ],
  [
    'a second rule for a host',
    virtualService('orders') + virtualService('orders.shop.svc.cluster.local', 'shop/other'),
    /^error spec\.hosts\[0\]: .* has a VirtualService in this namespace already, shop\/other/,
  ],
  [
    'a second DestinationRule for a host',
    policy('{}') + destinationRule('{host: orders, trafficPolicy: {}}', 'shop/other'),
    /^error spec\.host: .* has a DestinationRule in this namespace already, shop\/other/,
  ],
  [
    'what another namespace would have to say',
    virtualService('profiles.people', 'shop/rule', ', exportTo: ["*"]'),
    /^error spec\.exportTo\[0\]: says how other namespaces call profiles\.people.*namespace istio-system$/,
  ],
  [
    'a way out for other namespaces',
    rule('ServiceEntry', '{hosts: [a.b.c], ports: [{number: 1, name: a}], exportTo: [shop, web]}'),
    /^error spec\.exportTo\[1\]: lets callers of other namespaces out/,
  ],
  ...['0.0.0.0/0', '::/0', '10.0.0.0/7', '0.0.0.0/1'].map(
    (block) =>
      [
        `a way out to ${block}`,
        rule('ServiceEntry', `{hosts: [a.b.c], addresses: [192.0.2.0/24, "${block}"], ports: [{number: 1, name: a}]}`),
        /^error spec\.addresses\[1\]: lets callers out to more addresses than .*namespace shop cannot/,
      ] as const,
  ),
  [
    'a way out in two halves',
    rule(
      'ServiceEntry',
      '{hosts: [a.b.c], addresses: [10.0.0.0/9, 10.128.0.0/9, 11.0.0.0/9], ports: [{number: 1, name: a}]}',
    ),
    /^error spec\.addresses\[2\]: lets callers out to more addresses/,
  ],
  [
    'a way out to a whole part of the world',
    rule('ServiceEntry', '{hosts: ["*.com"], ports: [{number: 1, name: a}]}'),
    /^error spec\.hosts\[0\]: lets callers out to every host below \.com/,
  ],
  [
    'a way out to all names that a country gives out',
    rule('ServiceEntry', '{hosts: ["*.co.uk"], ports: [{number: 1, name: a}]}'),
    /^error spec\.hosts\[0\]: lets callers out to every host below \.co\.uk, which an entry of namespace /,
  ],
  [
    'an outside host that is a service',
    rule('ServiceEntry', '{hosts: [orders.shop], ports: [{number: 1, name: a}]}'),
    /^error spec\.hosts\[0\]: is service orders of namespace shop here/,
  ],
  [
    'TLS within the mesh',
    policy('{tls: {mode: DISABLE}}'),
    /^error spec\.trafficPolicy\.tls\.mode: every hop within the mesh is mutual TLS/,
  ],
  [
    'TLS of a port within the mesh',
    policy('{portLevelSettings: [{port: {number: 80}, tls: {mode: SIMPLE}}]}'),
    /^error spec\.trafficPolicy\.portLevelSettings\[0\]\.tls\.mode/,
  ],
  [
    'balancing outside',
    destinationRule('{host: api.example.com, trafficPolicy: {loadBalancer: {simple: RANDOM}}}') + ENTRY,
    /^error spec\.trafficPolicy\.loadBalancer: is about instances of the mesh/,
  ],
  [
    'a region that is next, when nothing is ever out',
    policy('{loadBalancer: {localityLbSetting: {failover: [{from: a, to: b}]}}}'),
    /^warning .*failover: .*without outlierDetection/,
  ],
  [
    'a try that takes longer than all of them',
    rule(
      'VirtualService',
      '{hosts: [orders], http: [{route: [{destination: {host: users}}], timeout: 1s, retries: {attempts: 1, perTryTimeout: 2s}}]}',
    ),
    /^warning spec\.http\[0\]\.retries\.perTryTimeout: is longer than timeout/,
  ],
];

const silent: readonly (readonly [fact: string, text: string])[] = [
  ['a host outside by way of an egress gateway', virtualService('api.example.com') + ENTRY],
  ['a service of another namespace, for one’s own callers', virtualService('profiles.people')],
  ['the same, said', virtualService('profiles.people', 'shop/rule', ', exportTo: ["."]')],
  ['one’s own service, for everybody', virtualService('orders', 'shop/rule', ', exportTo: ["*"]')],
  ['a port that an instance serves', sending('{host: orders, port: {number: 9090}}')],
  ['the usual port, which stands for any', sending('{host: orders, port: {number: 80}}')],
  ['a port of a service of which no instance is there', sending('{host: users, port: {number: 1234}}')],
  [
    'a service that an entry says is coming',
    sending('{host: carts}') +
      rule(
        'RegistrationEntry',
        '{spiffeId: "spiffe://cluster.local/ns/shop/sa/carts", selectors: ["unix:uid:1"], service: carts}',
        'istio-system/carts',
      ).replace('networking.istio.io/v1', 'rampart.dev/v1'),
  ],
  [
    'a service that a rule of the registry lets register',
    sending('{host: carts}') +
      rule('RegistryAcl', '{rules: [{service: carts, policy: write}]}', 'istio-system/carts').replace(
        'networking.istio.io/v1',
        'rampart.dev/v1',
      ),
  ],
  [
    'a way out to everything, in the root namespace',
    rule(
      'ServiceEntry',
      '{hosts: ["*.com", "*.co.uk"], addresses: [0.0.0.0/0], ports: [{number: 1, name: a}]}',
      'istio-system/rule',
    ),
  ],
  [
    'a way out to a network',
    rule(
      'ServiceEntry',
      '{hosts: ["*.example.com", "*.example.co.uk", "*.example.uk", "*.co.example"], addresses: [10.0.0.0/8, 2001:db8::/32], ports: [{number: 1, name: a}]}',
    ),
  ],
  ['anything in the root namespace', virtualService('profiles.people', 'istio-system/rule', ', exportTo: ["*"]')],
  ['services by pattern', virtualService('*.shop.svc.cluster.local')],
  ['rules of two namespaces about a host', virtualService('orders') + virtualService('orders.shop', 'web/rule')],
  ['a pattern and a name in it', virtualService('orders') + virtualService('*.shop.svc.cluster.local', 'shop/other')],
  [
    'rules for different callers',
    policy('{}') +
      destinationRule('{host: orders, trafficPolicy: {}, workloadSelector: {matchLabels: {app: web}}}', 'shop/other'),
  ],
  [
    'a subset of the service’s own rule',
    sending('{host: orders, subset: v1}') + destinationRule('{host: orders, subsets: [{name: v1}]}'),
  ],
  ['TLS to a host outside', destinationRule('{host: api.example.com, trafficPolicy: {tls: {mode: SIMPLE}}}') + ENTRY],
  ['the mesh’s own TLS', policy('{tls: {mode: ISTIO_MUTUAL}}')],
  ['a ServiceEntry', ENTRY],
];

for (const [fact, text, expected] of findings) {
  test(`says something of ${fact}`, () => {
    const [only = 'nothing', ...more] = said(text);
    assert.match(only, expected);
    assert.deepEqual(more, []);
  });
}

for (const [fact, text] of silent) test(`says nothing of ${fact}`, () => assert.deepEqual(said(text), []));
