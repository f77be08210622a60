import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { ENFORCED_IN_PROCESS, parseResource } from '@rampart/core';
import type { Resource } from '@rampart/core';

import type { TrafficRules } from '../traffic/settings/route.ts';
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

const KEY = 'VirtualService/default/orders';
const routed = (host: string): Resource =>
  parsed({
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'orders', namespace: 'default' },
    spec: { hosts: ['orders'], http: [{ route: [{ destination: { host } }] }] },
  });
const REGISTRY_ONLY = parsed({
  apiVersion: 'rampart.dev/v1',
  kind: 'MeshConfig',
  metadata: { name: 'default', namespace: 'istio-system' },
  spec: { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } },
});

describe('rules about calls', () => {
  const destinationOf = (view: MeshView): string | undefined => {
    const rules: TrafficRules = view.traffic;
    const service = rules.forService('default', 'orders', 80);
    return service?.route?.({ method: 'GET', url: '/', authority: '', headers: {} })?.destinations[0]?.host;
  };
  const update = (revision: number, resource: Resource | string | undefined): string[] => {
    const view = viewOf([KEY, routed('first')]);
    const changes: string[] = [];
    view.subscribe(({ policy, traffic }) => changes.push(`policy ${policy}, traffic ${traffic}`));
    const before = view.traffic;
    const problem = view.apply({
      revision,
      reset: false,
      resources: [[KEY, resource]],
      services: [],
      revokedSerials: [],
    });
    assert.notEqual(view.traffic, before);
    return [destinationOf(view) ?? 'none', ...changes, problem];
  };

  it('are compiled again when one of them changes, and policies are not', () => {
    const changed = ['second.default.svc.cluster.local', 'policy false, traffic true', ''];
    assert.deepEqual(update(2, routed('second')), changed);
    assert.deepEqual(update(2, undefined), ['none', 'policy false, traffic true', '']);
  });

  it('are left as they were by one that cannot be read, which is told', () => {
    const [destination, , problem] = update(2, 'unknown field "newer"');
    assert.equal(destination, 'first.default.svc.cluster.local');
    assert.equal(problem, `${KEY}: unknown field "newer"`);
  });

  it('outlive a snapshot in which they cannot be read, here and in a view that is filled from this one', () => {
    const view = viewOf([KEY, routed('first')]);
    view.apply({ revision: 2, reset: true, resources: [[KEY, 'unknown']], services: [], revokedSerials: [] });
    assert.equal(destinationOf(view), 'first.default.svc.cluster.local');
    assert.equal(
      destinationOf(viewOf(...view.snapshot.resources.map(([key, held]) => [key, held ?? ''] as const))),
      destinationOf(view),
    );
    view.apply({ revision: 3, reset: true, resources: [], services: [], revokedSerials: [] });
    assert.equal(destinationOf(view), undefined);
  });

  it('stay the same while something else changes', () => {
    const view = viewOf([KEY, routed('first')]);
    const { traffic } = view;
    view.apply({
      revision: 2,
      reset: false,
      resources: [['NetworkPolicy/default/out', KEEPS_IN]],
      services: [],
      revokedSerials: [],
    });
    assert.equal(view.traffic, traffic);
  });

  it('name what may be called outside where the mesh’s configuration says so, or cannot be read', () => {
    const modeOf = (config: Resource | string | undefined): string =>
      viewOf(...(config === undefined ? [] : [['MeshConfig/istio-system/default', config] as const])).traffic.outbound;
    assert.deepEqual([undefined, REGISTRY_ONLY, 'unknown'].map(modeOf), [
      'ALLOW_ANY',
      'REGISTRY_ONLY',
      'REGISTRY_ONLY',
    ]);
  });
});
