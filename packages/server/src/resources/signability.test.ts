import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseResource } from '@rampart/core';
import { unsignable } from './signability.ts';

const cases: readonly (readonly [fact: string, namespace: string, host: string, problem: RegExp | undefined])[] = [
  ['a service of its own namespace', 'shop', 'orders', undefined],
  ['the same in full', 'shop', 'orders.shop.svc.cluster.local', undefined],
  [
    'a service of another namespace',
    'shop',
    'gateway.edge',
    /service of namespace edge: write the policy there, or in istio-system/,
  ],
  ['a service of another namespace, from the root namespace', 'istio-system', 'gateway.edge', undefined],
  ['a host outside the mesh', 'istio-system', 'api.example.com', /no service of the mesh/],
];
for (const [fact, namespace, host, problem] of cases) {
  test(`requests to ${fact} ${problem === undefined ? 'can' : 'cannot'} be asked to be signed`, () => {
    const parsed = parseResource({
      apiVersion: 'rampart.dev/v1',
      kind: 'RequestSignaturePolicy',
      metadata: { name: 'signed', namespace },
      spec: { signers: ['*'], hosts: [host] },
    });
    assert.ok(parsed.ok, JSON.stringify(parsed));
    const objections = unsignable(parsed.value, { rootNamespace: 'istio-system' });
    assert.equal(objections.length, problem === undefined ? 0 : 1);
    if (problem !== undefined) assert.match(objections[0]?.message ?? '', problem);
  });
}
