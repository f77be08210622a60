import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from './judge.ts';
import type { PartKind } from './parts.ts';

async function statuses(kind: PartKind, text: string): Promise<string[]> {
  return (await judge({ file: 'seed.md', line: 1, kind, text })).map(({ status }) => status);
}

const policy = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: p
spec:
  rules:
    - to:
        - operation:
            methods: [GET]
`;

test('a policy that a data plane can enforce is accepted', async () => {
  assert.deepEqual(await statuses('resource', policy), ['accepted']);
});

test('a policy with a mistake is refused', async () => {
  assert.deepEqual(await statuses('resource', policy.replace('methods', 'method')), ['refused']);
});

test('a kind that nobody knows is refused, a kind of the plan is pending', async () => {
  assert.deepEqual(await statuses('resource', 'apiVersion: v1\nkind: Nonsense\nmetadata:\n  name: n\n'), ['refused']);
  const networkPolicy = 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: n\nspec: {}\n';
  assert.notDeepEqual(await statuses('resource', networkPolicy), ['refused']);
});

test('a record with a field that ours lacks, or of another type, is refused', async () => {
  assert.deepEqual(await statuses('json', '{"authorization_decision":"ALLOW","duration_ms":4}'), ['accepted']);
  assert.deepEqual(await statuses('json', '{"authorization_decision":"ALLOW","colour":"red"}'), ['refused']);
  assert.deepEqual(await statuses('json', '{"authorization_decision":"ALLOW","duration_ms":"4"}'), ['refused']);
});

test('an outline stands for one policy an action', async () => {
  const outline = 'selector:\n  matchLabels:\n    app: a   ←── note\n\naction: ALLOW | CUSTOM\n\nrules:\n  - {}\n';
  assert.deepEqual(await statuses('policy-outline', outline), ['accepted', 'accepted']);
});

test('commands that drive a cluster are prose, commands that we answer are not', async () => {
  assert.deepEqual(await statuses('commands', 'kubectl get pods'), ['prose']);
  assert.deepEqual(await statuses('commands', 'istioctl authn tls-check a.b.svc.cluster.local'), ['accepted']);
  assert.deepEqual(await statuses('commands', 'istioctl authn tls-check not_a_host'), ['refused']);
  assert.deepEqual(await statuses('commands', 'kubectl label pod <pod-name> quarantine=true'), ['accepted']);
});

const claims = { iss: 'https://a', sub: 'service:a', aud: 'service:b', exp: 1_700_000_000, scope: 'read write' };
const check = `
    if payload['exp'] < time.time():
        raise Unauthorized("Token expired")
    if payload['aud'] != 'service:b':
        raise Unauthorized("Invalid audience")
    if required_scope not in payload['scope']:
        raise Forbidden("Insufficient scope")
`;

test('claims of a token between services are signed and let in', async () => {
  assert.deepEqual(await statuses('json', JSON.stringify(claims)), ['accepted']);
  assert.deepEqual(await statuses('json', JSON.stringify({ iss: 'https://a' })), ['refused']);
});

test('a check of tokens is held against ours, its words and its order', async () => {
  assert.deepEqual(await statuses('python', check), ['accepted']);
  assert.deepEqual(await statuses('python', check.replace('Token expired', 'Token too old')), ['refused']);
  assert.deepEqual(await statuses('python', check.replace('Forbidden', 'Unauthorized')), ['refused']);
  assert.deepEqual(await statuses('python', 'print(1)'), ['refused']);
});

test('arrows across namespaces are held against what rules allow', async () => {
  const drawing = [
    'subgraph A["Namespace: prod"]',
    '  P1["pay"]',
    '  P2["order"]',
    'end',
    'subgraph B["Namespace: dev"]',
    '  D1["pay"]',
    'end',
    'P2 -->|"Can discover"| P1',
    'P2 -.->|"Cannot discover"| D1',
  ].join('\n');
  assert.deepEqual(await statuses('isolation', drawing), ['accepted']);
  assert.deepEqual(await statuses('isolation', drawing.replace('"Can ', '"Cannot ')), ['refused']);
  assert.deepEqual(await statuses('isolation', drawing.replace('| D1', '| X9')), ['refused']);
});

test('an attack that is printed must fail, and the normal flow must not', async () => {
  const flow = (attacker: string): string =>
    `pay → Registry: Register(10.0.1.1:80)\n${attacker} → Registry: Register(pay, 10.9.9.9:80)\n`;
  assert.deepEqual(await statuses('poisoning', flow('attacker')), ['accepted']);
  assert.deepEqual(await statuses('poisoning', flow('pay')), ['refused']);
});
