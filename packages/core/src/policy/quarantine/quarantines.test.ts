import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { compileWorkloadPolicy, parseResource, type Resource } from '../../index.ts';

function quarantine(spec: object, name = 'incident-7', namespace = 'istio-system'): Resource {
  const parsed = parseResource({
    apiVersion: 'rampart.dev/v1',
    kind: 'Quarantine',
    metadata: { name, namespace },
    spec,
  });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

function compile(...resources: readonly Resource[]) {
  const workload = { namespace: 'shop', serviceAccount: 'orders-api', labels: {} };
  return compileWorkloadPolicy({ workload, resources, rootNamespace: 'istio-system', trustDomain: 'cluster.local' })
    .quarantine;
}

describe('who is in quarantine', () => {
  it('nobody, where nothing says so', () => {
    assert.equal(compile().isActive, false);
    assert.equal(compile().of('cluster.local/ns/shop/sa/orders-api'), undefined);
  });

  it('is known by its account in the own trust domain, or by its SPIFFE ID', () => {
    const { own, of } = compile(
      quarantine({ identities: ['shop/web', 'spiffe://other.example/ns/a/sa/b'], reason: 'taken over' }),
    );
    assert.equal(own, undefined);
    assert.equal(
      of('cluster.local/ns/shop/sa/web')?.reason,
      'cluster.local/ns/shop/sa/web is in quarantine by Quarantine istio-system/incident-7: taken over',
    );
    assert.equal(of('other.example/ns/a/sa/b')?.decision, 'DENY');
    for (const other of ['other.example/ns/shop/sa/web', 'cluster.local/ns/a/sa/b', undefined])
      assert.equal(of(other), undefined);
  });

  it('may be the workload itself', () => {
    assert.equal(compile(quarantine({ identities: ['shop/orders-api'] })).own?.policy, 'istio-system/incident-7');
  });

  const wrong: readonly (readonly [rule: string, spec: object, message: RegExp])[] = [
    ['nobody is named', {}, /needs identities/],
    ['an empty list', { identities: [] }, /needs identities/],
    ['a name alone', { identities: ['orders-api'] }, /namespace\/service-account/],
    ['a pattern', { identities: ['shop/*'] }, /namespace\/service-account/],
    ['no SPIFFE ID', { identities: ['spiffe://UPPER/x'] }, /./],
    ['a reason without end', { identities: ['a/b'], reason: 'x'.repeat(2000) }, /longer than 1024/],
  ];
  for (const [rule, spec, message] of wrong) {
    it(`is refused: ${rule}`, () => {
      const document = {
        apiVersion: 'rampart.dev/v1',
        kind: 'Quarantine',
        metadata: { name: 'x', namespace: 'istio-system' },
        spec,
      };
      const parsed = parseResource(document);
      assert.ok(!parsed.ok);
      assert.match(JSON.stringify(parsed), message);
    });
  }
});
