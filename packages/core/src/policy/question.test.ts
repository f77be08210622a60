import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeQuestion, type Question } from '../index.ts';
import { peerAuthenticationOf, policyOf } from '../testing/documents.ts';

const QUESTION: Question = {
  from: 'cluster.local/ns/web/sa/frontend',
  to: {
    namespace: 'shop',
    serviceAccount: 'orders',
    labels: { app: 'orders' },
    service: { name: 'orders', namespace: 'shop' },
    port: 0,
  },
  method: 'GET',
  path: '/',
  host: '',
  headers: {},
  sourceIp: '',
};
const MESH = { rootNamespace: 'istio-system', trustDomain: 'cluster.local' };

const cases: readonly [fact: string, rules: string, question: Partial<Question>, expected: 'ALLOW' | 'DENY'][] = [
  ['a port left open is 80', '- to: [{operation: {ports: ["80"]}}]', {}, 'ALLOW'],
  ['a host left open is that of the service', '- to: [{operation: {hosts: [orders.shop]}}]', {}, 'ALLOW'],
  [
    'an address left open is loopback, of the client too',
    '- from: [{source: {ipBlocks: ["127.0.0.0/8"]}}]',
    {},
    'ALLOW',
  ],
  ['the query is not part of the path', '- to: [{operation: {paths: [/orders]}}]', { path: '/orders?x=1' }, 'ALLOW'],
  [
    'a path is judged as the data plane would judge it',
    '- to: [{operation: {paths: [/admin]}}]',
    { path: '/x/../%61dmin' },
    'ALLOW',
  ],
  ['no identity matches no principal', '- from: [{source: {principals: ["*"]}}]', { from: '' }, 'DENY'],
  [
    'the server name is that of the service under mutual TLS',
    '- when: [{key: connection.sni, values: [orders.shop.svc]}]',
    {},
    'ALLOW',
  ],
  ['plaintext has no server name', '- when: [{key: connection.sni, values: ["*"]}]', { from: '' }, 'DENY'],
];

for (const [fact, rules, question, expected] of cases) {
  test(fact, () => {
    const verdict = judgeQuestion({ ...QUESTION, ...question }, { ...MESH, resources: [policyOf(rules)] });
    assert.equal(verdict.decision, expected, verdict.reason);
  });
}

test('plaintext on a STRICT port is denied before any policy is asked', () => {
  const resources = [peerAuthenticationOf('{mtls: {mode: STRICT}}'), policyOf('- {}')];
  const verdict = judgeQuestion({ ...QUESTION, from: '' }, { ...MESH, resources });
  assert.match(verdict.reason, /^plaintext refused/);
});

test('a path that no data plane takes is not judged', () => {
  assert.throws(() => judgeQuestion({ ...QUESTION, path: '/%00' }, { ...MESH, resources: [] }), {
    code: 'INVALID_ARGUMENT',
  });
});
