import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from './judge.ts';
import type { PartKind } from './parts.ts';

function statuses(kind: PartKind, text: string): string[] {
  return judge({ file: 'seed.md', line: 1, kind, text }).map(({ status }) => status);
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

test('a policy that a data plane can enforce is accepted', () => {
  assert.deepEqual(statuses('resource', policy), ['accepted']);
});

test('a policy with a mistake is refused', () => {
  assert.deepEqual(statuses('resource', policy.replace('methods', 'method')), ['refused']);
});

test('a kind that nobody knows is refused, a kind of the plan is pending', () => {
  assert.deepEqual(statuses('resource', 'apiVersion: v1\nkind: Nonsense\nmetadata:\n  name: n\n'), ['refused']);
  const networkPolicy = 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: n\nspec: {}\n';
  assert.notDeepEqual(statuses('resource', networkPolicy), ['refused']);
});

test('a record with a field that ours lacks, or of another type, is refused', () => {
  assert.deepEqual(statuses('json', '{"authorization_decision":"ALLOW","duration_ms":4}'), ['accepted']);
  assert.deepEqual(statuses('json', '{"authorization_decision":"ALLOW","colour":"red"}'), ['refused']);
  assert.deepEqual(statuses('json', '{"authorization_decision":"ALLOW","duration_ms":"4"}'), ['refused']);
});

test('an outline stands for one policy an action', () => {
  const outline = 'selector:\n  matchLabels:\n    app: a   ←── note\n\naction: ALLOW | CUSTOM\n\nrules:\n  - {}\n';
  assert.deepEqual(statuses('policy-outline', outline), ['accepted', 'accepted']);
});

test('commands that drive a cluster are prose, commands that we answer are not', () => {
  assert.deepEqual(statuses('commands', 'kubectl get pods'), ['prose']);
  assert.deepEqual(statuses('commands', 'istioctl authn tls-check a.b.svc.cluster.local'), ['accepted']);
  assert.deepEqual(statuses('commands', 'istioctl authn tls-check not_a_host'), ['refused']);
});
