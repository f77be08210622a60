import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseResource, toJson } from '../index.ts';

const documents = [
  {
    kind: 'AuthorizationPolicy',
    apiVersion: 'security.istio.io/v1beta1',
    metadata: {
      namespace: 'shop',
      name: 'a',
      annotations: { b: '2', a: '1' },
      labels: { d: '', c: '3' },
      creationTimestamp: '2026-01-31T12:00:00.250Z',
    },
    spec: {
      selector: { matchLabels: { tier: 'api', app: 'orders' } },
      rules: [
        { when: [{ values: ['b', 'a'], key: 'source.namespace' }], from: [{ source: { principals: ['z', 'y'] } }] },
      ],
    },
  },
  {
    kind: 'PeerAuthentication',
    apiVersion: 'security.istio.io/v1',
    metadata: { name: 'b' },
    spec: {
      portLevelMtls: { 9090: { mode: 'DISABLE' }, 8080: {} },
      selector: { matchLabels: { app: 'a' } },
      mtls: { mode: 'STRICT' },
    },
  },
];

for (const document of documents) {
  test(`a ${document.kind} written as JSON reads back equal`, () => {
    const first = parseResource(document);
    assert.ok(first.ok);
    const second = parseResource(JSON.parse(toJson(first.value)));
    assert.ok(second.ok);
    assert.deepEqual(second.value, first.value);
    assert.equal(toJson(second.value), toJson(first.value));
  });
}

test('the order of keys in a document does not show, the order of lists does', () => {
  const [first] = documents;
  assert.ok(first !== undefined);
  const reversed = JSON.parse(JSON.stringify(first), (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toReversed())
      : value,
  ) as unknown;
  const a = parseResource(first);
  const b = parseResource(reversed);
  assert.ok(a.ok && b.ok);
  assert.equal(toJson(a.value), toJson(b.value));
  assert.match(toJson(a.value), /"principals":\["z","y"\]/);
});
