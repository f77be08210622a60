import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { ENFORCED_IN_PROCESS, parseResource } from '@rampart/core';
import type { Resource } from '@rampart/core';

import { MeshView } from './mesh-view.ts';

const KEEPS_IN = parsed({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'out', namespace: 'default' },
  spec: { podSelector: {}, policyTypes: ['Egress'], egress: [{ to: [{ ipBlock: { cidr: '192.0.2.0/24' } }] }] },
});

function parsed(json: unknown): Resource {
  const resource = parseResource(json);
  assert.ok(resource.ok);
  return resource.value;
}

function viewOf(...resources: readonly (readonly [key: string, resource: Resource | string])[]): MeshView {
  const view = new MeshView({ rootNamespace: 'istio-system', capabilities: ENFORCED_IN_PROCESS });
  view.setWorkload({ namespace: 'default', serviceAccount: 'orders', labels: {} }, 'cluster.local');
  view.apply({ revision: 1, reset: true, resources, services: [], revokedSerials: [] });
  return view;
}

const PLAIN = {
  principal: undefined,
  sourceIp: '192.0.2.1',
  destinationIp: '192.0.2.2',
  destinationPort: 80,
  sni: '',
};

describe('a resource that this data plane cannot read', () => {
  it('denies everything that comes in, by name', () => {
    const { policy } = viewOf(['AuthorizationPolicy/default/new', 'unknown field "newer"']);
    const verdict = policy.forConnection(PLAIN).admit();
    assert.match(verdict?.reason ?? '', /AuthorizationPolicy\/default\/new: unknown field "newer"/);
  });

  it('leaves NetworkPolicies in force that can be read: nobody is let out for it', () => {
    const { network } = viewOf(
      ['AuthorizationPolicy/default/new', 'unknown'],
      ['NetworkPolicy/default/out', KEEPS_IN],
    ).policy;
    assert.equal(network.isolatesEgress, true);
    assert.equal(network.dial({ ip: '192.0.2.9' }, 443), undefined);
    assert.equal(network.dial({ ip: '198.51.100.9' }, 443)?.policy, 'default/out');
  });

  it('shuts both directions when it is a NetworkPolicy of the namespace', () => {
    const { network } = viewOf(
      ['NetworkPolicy/default/new', 'unknown field "newer"'],
      ['NetworkPolicy/default/out', KEEPS_IN],
    ).policy;
    assert.match(network.dial({ ip: '192.0.2.9' }, 443)?.reason ?? '', /NetworkPolicy\/default\/new: unknown field/);
    assert.equal(network.admit({ ip: '192.0.2.9' }, 443)?.decision, 'DENY');
  });

  it('is nobody’s business when it is a NetworkPolicy of the root namespace', () => {
    const { network } = viewOf(['NetworkPolicy/istio-system/new', 'unknown']).policy;
    assert.equal(network.isolatesEgress, false);
  });
});
