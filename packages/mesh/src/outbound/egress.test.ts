import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { ENFORCED_IN_PROCESS, parseResource, SpiffeId } from '@rampart/core';
import type { Resource } from '@rampart/core';

import { LocalInstances } from '../control/instances.ts';
import type { MeshEndpoint, MeshService } from '../view/endpoint.ts';
import { MeshView } from '../view/mesh-view.ts';
import { Egress } from './egress.ts';

const IDENTITY = 'spiffe://cluster.local/ns/data/sa/database';

function endpoint(instanceId: string, port: number, labels: Record<string, string>): MeshEndpoint {
  const host = '10.0.0.7';
  const spiffeId = SpiffeId.of(IDENTITY);
  return { instanceId, host, port, protocol: 'http', spiffeId, identity: IDENTITY, labels, address: `${host}:${port}` };
}

const PRIMARY = endpoint('primary', 5432, { role: 'primary' });
const REPLICA = endpoint('replica', 5432, { role: 'replica' });
const ADMIN = endpoint('admin', 9090, { role: 'primary' });
const DATABASE: MeshService = {
  namespace: 'data',
  name: 'database',
  host: 'database.data.svc',
  endpoints: [PRIMARY, REPLICA, ADMIN],
};

function policy(egress: readonly object[]): Resource {
  const parsed = parseResource({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'out', namespace: 'default' },
    spec: { podSelector: {}, policyTypes: ['Egress'], egress },
  });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

interface Fixture {
  readonly egress: Egress;
  readonly instances: LocalInstances;
  apply(...resources: readonly Resource[]): void;
}

function open(): Fixture {
  const view = new MeshView({ rootNamespace: 'istio-system', capabilities: ENFORCED_IN_PROCESS });
  view.setWorkload({ namespace: 'default', serviceAccount: 'orders', labels: { app: 'orders' } }, 'cluster.local');
  const instances = new LocalInstances();
  let revision = 0;
  return {
    egress: new Egress(view, instances),
    instances,
    apply: (...resources) => {
      revision += 1;
      const named = resources.map((each) => [each.metadata.name, each] as const);
      view.apply({ revision, reset: true, resources: named, services: [], revokedSerials: [] });
    },
  };
}

const toPrimary = {
  to: [{ namespaceSelector: {}, podSelector: { matchLabels: { role: 'primary' } } }],
  ports: [{ port: 5432 }],
};

describe('egress', () => {
  it('limits nothing while no policy is about what goes out', () => {
    const { egress, apply } = open();
    assert.equal(egress.isLimited, false);
    apply();
    assert.equal(egress.reach(DATABASE), undefined);
    assert.equal(egress.toAddress('192.0.2.1', 443), undefined);
  });

  it('leaves of a service the instances that labels and ports let it reach', () => {
    const { egress, apply } = open();
    apply(policy([toPrimary]));
    const reach = egress.reach(DATABASE);
    assert.deepEqual(reach?.service.endpoints, [PRIMARY]);
    assert.match(reach.refusal?.reason ?? '', /no egress rule of NetworkPolicy default\/out/);
    assert.equal(egress.reach(DATABASE), reach, 'judged once');
    apply(policy([{}]));
    assert.equal(egress.reach(DATABASE)?.service, DATABASE, 'and again when policies change');
  });

  it('knows what is outside by its address', () => {
    const { egress, apply } = open();
    apply(policy([toPrimary, { to: [{ ipBlock: { cidr: '192.0.2.0/24' } }] }]));
    assert.equal(egress.toAddress('192.0.2.1', 443), undefined);
    assert.equal(egress.toAddress('198.51.100.1', 443)?.policy, 'default/out');
    assert.equal(egress.toAddress('10.0.0.7', 5432)?.decision, 'DENY', 'an address proves no label');
  });

  const UNSPECIFIED: readonly (readonly [address: string, reached: string])[] = [
    ['0.0.0.0', '127.0.0.1'],
    ['::ffff:0.0.0.0', '127.0.0.1'],
    ['::FFFF:0:0', '127.0.0.1'],
    ['::', '::1'],
    ['0:0:0:0:0:0:0:0', '::1'],
    ['0000::', '::1'],
  ];
  for (const [address, reached] of UNSPECIFIED) {
    it(`takes ${address} for ${reached}, which is where systems connect then`, () => {
      const { egress, apply } = open();
      const everywhere = [
        { ipBlock: { cidr: '0.0.0.0/0', except: ['127.0.0.0/8'] } },
        { ipBlock: { cidr: '::/0', except: ['::1/128'] } },
      ];
      apply(policy([{ to: everywhere }]));
      assert.match(egress.toAddress(address, 80)?.reason ?? '', new RegExp(`out to ${reached} on port 80$`));
      assert.equal(egress.toAddress('192.0.2.1', 80), undefined);
    });
  }

  it('takes an instance that says it is at an unspecified address for one of this host', () => {
    const { egress, apply } = open();
    apply(policy([{ to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['127.0.0.0/8'] } }] }]));
    assert.equal(egress.toEndpoint(DATABASE, PRIMARY), undefined);
    assert.equal(egress.toEndpoint(DATABASE, { ...PRIMARY, host: '0.0.0.0' })?.decision, 'DENY');
  });

  it('takes no other loopback address for a workload that listens on one of them', () => {
    const { egress, instances, apply } = open();
    apply(policy([]));
    instances.add({ instanceId: 'primary', host: '127.0.0.1', port: 5432, protocol: 'http' });
    assert.equal(egress.toAddress('127.0.0.1', 5432), undefined);
    assert.equal(egress.toAddress('::ffff:127.0.0.1', 5432), undefined);
    assert.equal(egress.toAddress('127.0.0.2', 5432)?.decision, 'DENY');
    assert.equal(egress.toAddress('::1', 5432)?.decision, 'DENY');
  });

  it('never keeps a workload from itself', () => {
    const { egress, instances, apply } = open();
    apply(policy([]));
    instances.add({ instanceId: 'primary', host: '', port: 5432, protocol: 'http' });
    assert.deepEqual(egress.reach(DATABASE)?.service.endpoints, [PRIMARY]);
    assert.equal(egress.toAddress('127.0.0.1', 5432), undefined);
    assert.equal(egress.toAddress('::1', 5432), undefined);
    assert.equal(egress.toAddress('127.0.0.1', 5433)?.decision, 'DENY');
    assert.equal(egress.toAddress('192.0.2.1', 5432)?.decision, 'DENY');
  });
});
