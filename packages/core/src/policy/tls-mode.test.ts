import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile, connectionOf, requestOf } from '../testing/calls.ts';
import { peerAuthenticationOf } from '../testing/documents.ts';
import type { PeerAuthentication } from '../index.ts';

const ORDERS = 'selector: {matchLabels: {app: orders}}';
const mesh = (mode: string): PeerAuthentication =>
  peerAuthenticationOf(`{mtls: {mode: ${mode}}}`, { namespace: 'istio-system' });
const namespace = (mode: string): PeerAuthentication => peerAuthenticationOf(`{mtls: {mode: ${mode}}}`);
const workload = (spec: string, name = 'orders'): PeerAuthentication =>
  peerAuthenticationOf(`{${ORDERS}, ${spec}}`, { name });

const cases: readonly [fact: string, policies: readonly PeerAuthentication[], describe: string, policy: string][] = [
  ['without any policy a port takes both', [], 'PERMISSIVE by default', ''],
  ['the mesh speaks for all', [mesh('STRICT')], 'STRICT from mesh istio-system', 'istio-system/default'],
  [
    'the namespace goes before the mesh',
    [mesh('STRICT'), namespace('PERMISSIVE')],
    'PERMISSIVE from namespace shop',
    'shop/default',
  ],
  [
    'the workload goes before the namespace',
    [namespace('PERMISSIVE'), workload('mtls: {mode: STRICT}')],
    'STRICT from workload shop/orders',
    'shop/orders',
  ],
  [
    'the port goes before the workload',
    [workload('mtls: {mode: STRICT}, portLevelMtls: {8080: {mode: PERMISSIVE}}')],
    'PERMISSIVE from port 8080 of shop/orders',
    'shop/orders',
  ],
  [
    'another port does not count',
    [workload('mtls: {mode: STRICT}, portLevelMtls: {9090: {mode: DISABLE}}')],
    'STRICT from workload shop/orders',
    'shop/orders',
  ],
  [
    'a port counts although the workload has no mode',
    [mesh('STRICT'), workload('portLevelMtls: {8080: {mode: DISABLE}}')],
    'DISABLE from port 8080 of shop/orders',
    'shop/orders',
  ],
  [
    'UNSET of a port asks the workload',
    [workload('mtls: {mode: STRICT}, portLevelMtls: {8080: {mode: UNSET}}')],
    'STRICT from workload shop/orders',
    'shop/orders',
  ],
  [
    'UNSET of a workload asks the namespace',
    [namespace('STRICT'), workload('mtls: {mode: UNSET}')],
    'STRICT from namespace shop',
    'shop/default',
  ],
  [
    'UNSET of a namespace asks the mesh',
    [mesh('STRICT'), namespace('UNSET')],
    'STRICT from mesh istio-system',
    'istio-system/default',
  ],
  ['UNSET of the mesh is PERMISSIVE', [mesh('UNSET')], 'PERMISSIVE by default', ''],
  [
    'a policy without mtls asks the next wider one',
    [mesh('STRICT'), peerAuthenticationOf('{}')],
    'STRICT from mesh istio-system',
    'istio-system/default',
  ],
  [
    'an empty selector is none',
    [peerAuthenticationOf('{selector: {matchLabels: {}}, mtls: {mode: STRICT}}')],
    'STRICT from namespace shop',
    'shop/default',
  ],
  [
    'a selector of other labels does not count',
    [peerAuthenticationOf('{selector: {matchLabels: {app: users}}, mtls: {mode: STRICT}}')],
    'PERMISSIVE by default',
    '',
  ],
  [
    'another namespace does not count',
    [peerAuthenticationOf('{mtls: {mode: STRICT}}', { namespace: 'web' })],
    'PERMISSIVE by default',
    '',
  ],
  [
    'a selector in the root namespace is ignored',
    [peerAuthenticationOf(`{${ORDERS}, mtls: {mode: STRICT}}`, { namespace: 'istio-system' })],
    'PERMISSIVE by default',
    '',
  ],
  [
    'of several at one scope the oldest counts alone',
    [
      peerAuthenticationOf('{mtls: {mode: STRICT}}', { name: 'a', createdAt: 2 }),
      peerAuthenticationOf('{mtls: {mode: DISABLE}}', { name: 'b', createdAt: 1 }),
    ],
    'DISABLE from namespace shop',
    'shop/b',
  ],
  [
    'the oldest counts alone although it says nothing',
    [
      mesh('STRICT'),
      peerAuthenticationOf('{mtls: {mode: UNSET}}', { name: 'b', createdAt: 1 }),
      peerAuthenticationOf('{mtls: {mode: DISABLE}}', { name: 'a', createdAt: 2 }),
    ],
    'STRICT from mesh istio-system',
    'istio-system/default',
  ],
  [
    'of two of the same age the first name counts',
    [
      peerAuthenticationOf('{mtls: {mode: STRICT}}', { name: 'b', createdAt: 1 }),
      peerAuthenticationOf('{mtls: {mode: DISABLE}}', { name: 'a', createdAt: 1 }),
    ],
    'DISABLE from namespace shop',
    'shop/a',
  ],
];

for (const [fact, policies, describe, policy] of cases) {
  test(fact, () => {
    for (const order of [policies, policies.toReversed()]) {
      const mode = compile(order).tlsMode(8080);
      assert.deepEqual([mode.describe, mode.policy], [describe, policy]);
      assert.ok(describe.startsWith(mode.mode));
    }
  });
}

const admissions: readonly [fact: string, mode: string, principal: string | null, text: string, admitted: boolean][] = [
  ['STRICT takes mutual TLS', 'STRICT', 'td/a', 'mTLS STRICT from namespace shop', true],
  ['STRICT refuses plaintext', 'STRICT', null, 'plaintext STRICT from namespace shop', false],
  ['PERMISSIVE takes mutual TLS', 'PERMISSIVE', 'td/a', 'mTLS PERMISSIVE from namespace shop', true],
  ['PERMISSIVE takes plaintext', 'PERMISSIVE', null, 'plaintext PERMISSIVE from namespace shop', true],
  ['DISABLE takes plaintext', 'DISABLE', null, 'plaintext DISABLE from namespace shop', true],
  ['DISABLE takes mutual TLS too', 'DISABLE', 'td/a', 'mTLS DISABLE from namespace shop', true],
];

for (const [fact, mode, principal, text, admitted] of admissions) {
  test(fact, () => {
    const connection = compile([namespace(mode)]).forConnection(connectionOf({ principal }));
    const verdict = connection.evaluate(requestOf({}));
    assert.equal(verdict.mode, text);
    assert.equal(verdict.decision, admitted ? 'ALLOW' : 'DENY');
    for (const refused of [connection.admit(), connection.admitTransport()]) {
      assert.deepEqual(refused, admitted ? undefined : verdict);
    }
    assert.equal(connection.evaluateTcp().decision, verdict.decision);
  });
}

test('a refusal of plaintext names the policy and the port', () => {
  const refused = compile([namespace('STRICT')])
    .forConnection(connectionOf({ principal: null }))
    .admit();
  assert.equal(refused?.policy, 'shop/default');
  assert.equal(refused?.reason, 'plaintext refused: PeerAuthentication shop/default asks for mutual TLS on port 8080');
});
