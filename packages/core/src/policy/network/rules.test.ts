import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileWorkloadPolicy, namespaceLabels, type NetworkPeerFacts, type NetworkRules } from '../../index.ts';
import { resourcesOf } from '../../testing/documents.ts';

/** Of every test, unless it says otherwise: the workload default/db. */
const DB = { namespace: 'default', serviceAccount: 'db', labels: { role: 'db', 'port.rampart.dev/metrics': '9090' } };

/** Policies of namespace default from their specs in YAML flow form. */
function rulesOf(...specs: readonly string[]): NetworkRules {
  return rulesIn('default', ...specs);
}

function rulesIn(namespace: string, ...specs: readonly string[]): NetworkRules {
  const documents = specs.map((spec, index) =>
    [
      'apiVersion: networking.k8s.io/v1',
      'kind: NetworkPolicy',
      `metadata: {name: policy-${index}, namespace: ${namespace}}`,
      `spec: ${spec}`,
    ].join('\n'),
  );
  const resources = resourcesOf(documents.join('\n---\n'));
  const compiled = compileWorkloadPolicy({
    workload: DB,
    resources,
    rootNamespace: 'istio-system',
    trustDomain: 'cluster.local',
  });
  return compiled.network;
}

interface Peer {
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly namespaceLabels?: Readonly<Record<string, string>>;
  readonly ip?: string;
}

function workload({
  namespace = 'default',
  labels = {},
  namespaceLabels: declared,
  ip = '10.0.0.9',
}: Peer): NetworkPeerFacts {
  return { ip, namespace, labels, namespaceLabels: namespaceLabels(namespace, declared) };
}

const address = (ip: string): NetworkPeerFacts => ({ ip });
const FRONTEND = workload({ labels: { role: 'frontend' } });
const STRANGER = workload({ labels: { role: 'batch' } });

type Case = readonly [fact: string, specs: readonly string[], peer: NetworkPeerFacts, port: number, passes: boolean];

const FROM_FRONTEND =
  '{podSelector: {matchLabels: {role: db}}, ingress: [{from: [{podSelector: {matchLabels: {role: frontend}}}]}]}';
const FROM_PRODUCTION = '{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {env: production}}}]}]}';
const BOTH =
  '{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {user: alice}}, podSelector: {matchLabels: {role: client}}}]}]}';
const EITHER =
  '{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {user: alice}}}, {podSelector: {matchLabels: {role: client}}}]}]}';
const BLOCK = '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 172.17.0.0/16, except: [172.17.1.0/24]}}]}]}';
const PORTS = '{podSelector: {}, ingress: [{ports: [{protocol: TCP, port: 6379}, {port: 32000, endPort: 32768}]}]}';
const alice = { namespace: 'alices', namespaceLabels: { user: 'alice' } };

const INGRESS: readonly Case[] = [
  ['by default, a pod is non-isolated for ingress; all inbound connections are allowed', [], STRANGER, 80, true],
  [
    'a policy that selects other pods isolates nobody else',
    ['{podSelector: {matchLabels: {role: web}}}'],
    STRANGER,
    80,
    true,
  ],
  ['an empty podSelector selects all pods in the namespace', ['{podSelector: {}}'], FRONTEND, 80, false],
  [
    'default deny all ingress: selected, with no ingress rules',
    ['{podSelector: {}, policyTypes: [Ingress]}'],
    FRONTEND,
    80,
    false,
  ],
  ['an empty list of rules lets nobody in', ['{podSelector: {}, ingress: []}'], FRONTEND, 80, false],
  ['allow all ingress: one empty rule', ['{podSelector: {}, ingress: [{}]}'], address('192.0.2.1'), 80, true],
  ['an empty from matches all sources', ['{podSelector: {}, ingress: [{from: []}]}'], address('192.0.2.1'), 80, true],
  ['an empty list of ports matches all ports', ['{podSelector: {}, ingress: [{ports: []}]}'], STRANGER, 81, true],
  [
    'a policy of type Egress alone does not isolate for ingress',
    ['{podSelector: {}, policyTypes: [Egress]}'],
    STRANGER,
    80,
    true,
  ],
  [
    'without policyTypes, ingress is always isolated, egress rules or not',
    ['{podSelector: {}, egress: [{}]}'],
    STRANGER,
    80,
    false,
  ],
  ['podSelector: pods in the same namespace that have the label', [FROM_FRONTEND], FRONTEND, 80, true],
  ['podSelector: other pods in the same namespace', [FROM_FRONTEND], STRANGER, 80, false],
  [
    'podSelector alone does not reach into other namespaces',
    [FROM_FRONTEND],
    workload({ namespace: 'web', labels: { role: 'frontend' } }),
    80,
    false,
  ],
  ['podSelector matches no address', [FROM_FRONTEND], address('10.0.0.9'), 80, false],
  [
    'an empty podSelector as peer is every pod of the namespace',
    ['{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}'],
    STRANGER,
    80,
    true,
  ],
  [
    'an empty podSelector as peer is no pod of another namespace',
    ['{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}'],
    workload({ namespace: 'web' }),
    80,
    false,
  ],
  [
    'namespaceSelector: all pods of a namespace with the label',
    [FROM_PRODUCTION],
    workload({ namespace: 'web', namespaceLabels: { env: 'production' } }),
    80,
    true,
  ],
  ['namespaceSelector: not even of the policy’s own namespace without it', [FROM_PRODUCTION], STRANGER, 80, false],
  [
    'an empty namespaceSelector is all namespaces',
    ['{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}'],
    workload({ namespace: 'web' }),
    80,
    true,
  ],
  [
    'an empty namespaceSelector is no address',
    ['{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}'],
    address('10.0.0.9'),
    80,
    false,
  ],
  [
    'a namespace can be selected by the name Kubernetes sets on it',
    ['{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: web}}}]}]}'],
    workload({ namespace: 'web', namespaceLabels: {} }),
    80,
    true,
  ],
  [
    'a namespace that nobody described answers to its name',
    ['{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {name: monitoring}}}]}]}'],
    workload({ namespace: 'monitoring' }),
    80,
    true,
  ],
  [
    'a namespace that was described has the labels it was given',
    ['{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {name: monitoring}}}]}]}'],
    workload({ namespace: 'monitoring', namespaceLabels: { name: 'other' } }),
    80,
    false,
  ],
  [
    'namespaceSelector and podSelector in one element: both',
    [BOTH],
    workload({ ...alice, labels: { role: 'client' } }),
    80,
    true,
  ],
  ['namespaceSelector and podSelector in one element: the namespace alone', [BOTH], workload(alice), 80, false],
  [
    'namespaceSelector and podSelector in one element: the pod alone',
    [BOTH],
    workload({ labels: { role: 'client' } }),
    80,
    false,
  ],
  ['namespaceSelector and podSelector in two elements: the namespace is enough', [EITHER], workload(alice), 80, true],
  [
    'namespaceSelector and podSelector in two elements: the pod, in the local namespace',
    [EITHER],
    workload({ labels: { role: 'client' } }),
    80,
    true,
  ],
  [
    'namespaceSelector and podSelector in two elements: the pod elsewhere',
    [EITHER],
    workload({ namespace: 'bobs', labels: { role: 'client' } }),
    80,
    false,
  ],
  ['ipBlock: an address of the block', [BLOCK], address('172.17.0.1'), 80, true],
  ['ipBlock: an address of an exception', [BLOCK], address('172.17.1.1'), 80, false],
  ['ipBlock: just after the exception', [BLOCK], address('172.17.2.0'), 80, true],
  ['ipBlock: outside', [BLOCK], address('172.18.0.1'), 80, false],
  ['ipBlock: an IPv4 address written as IPv6', [BLOCK], address('::ffff:172.17.0.1'), 80, true],
  ['ipBlock: an unknown address', [BLOCK], address(''), 80, false],
  ['ipBlock: a workload by its address', [BLOCK], workload({ ip: '172.17.0.1' }), 80, true],
  [
    'ipBlock: IPv6',
    ['{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: "2001:db8::/32"}}]}]}'],
    address('2001:db8::7'),
    80,
    true,
  ],
  ['ports: the port', [PORTS], STRANGER, 6379, true],
  ['ports: another port', [PORTS], STRANGER, 6380, false],
  ['ports: first of a range', [PORTS], STRANGER, 32000, true],
  ['ports: last of a range', [PORTS], STRANGER, 32768, true],
  ['ports: after a range', [PORTS], STRANGER, 32769, false],
  [
    'ports: without a number, all of the protocol',
    ['{podSelector: {}, ingress: [{ports: [{protocol: TCP}]}]}'],
    STRANGER,
    1,
    true,
  ],
  [
    'ports: UDP says nothing of TCP',
    ['{podSelector: {}, ingress: [{ports: [{protocol: UDP, port: 80}]}]}'],
    STRANGER,
    80,
    false,
  ],
  [
    'ports: SCTP says nothing of TCP',
    ['{podSelector: {}, ingress: [{ports: [{protocol: SCTP}]}]}'],
    STRANGER,
    80,
    false,
  ],
  [
    'ports: a name is the destination’s own',
    ['{podSelector: {}, ingress: [{ports: [{port: metrics}]}]}'],
    STRANGER,
    9090,
    true,
  ],
  [
    'ports: a name of another port',
    ['{podSelector: {}, ingress: [{ports: [{port: metrics}]}]}'],
    STRANGER,
    8080,
    false,
  ],
  [
    'ports: a name that the destination does not have',
    ['{podSelector: {}, ingress: [{ports: [{port: web}]}]}'],
    STRANGER,
    9090,
    false,
  ],
  [
    'ports: a name that only the caller has',
    ['{podSelector: {}, ingress: [{ports: [{port: web}]}]}'],
    workload({ labels: { 'port.rampart.dev/web': '80' } }),
    80,
    false,
  ],
  [
    'from and ports: both',
    ['{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {role: frontend}}}], ports: [{port: 80}]}]}'],
    FRONTEND,
    81,
    false,
  ],
  ['policies do not conflict; they are additive', ['{podSelector: {}}', FROM_FRONTEND], FRONTEND, 80, true],
  ['additive: what neither allows is refused', ['{podSelector: {}}', FROM_FRONTEND], STRANGER, 80, false],
  ['additive: the union of what they allow', [FROM_FRONTEND, BLOCK], address('172.17.0.1'), 80, true],
  [
    'rules of one policy: any of them',
    ['{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.9.0.0/16}}]}, {ports: [{port: 80}]}]}'],
    STRANGER,
    80,
    true,
  ],
  [
    'matchExpressions: In',
    [
      '{podSelector: {}, ingress: [{from: [{podSelector: {matchExpressions: [{key: role, operator: In, values: [frontend, web]}]}}]}]}',
    ],
    FRONTEND,
    80,
    true,
  ],
  [
    'matchExpressions: NotIn',
    [
      '{podSelector: {}, ingress: [{from: [{podSelector: {matchExpressions: [{key: role, operator: NotIn, values: [frontend]}]}}]}]}',
    ],
    FRONTEND,
    80,
    false,
  ],
  [
    'matchExpressions: NotIn holds without the label',
    [
      '{podSelector: {}, ingress: [{from: [{podSelector: {matchExpressions: [{key: role, operator: NotIn, values: [frontend]}]}}]}]}',
    ],
    workload({}),
    80,
    true,
  ],
  [
    'matchExpressions: Exists',
    ['{podSelector: {}, ingress: [{from: [{podSelector: {matchExpressions: [{key: role, operator: Exists}]}}]}]}'],
    workload({}),
    80,
    false,
  ],
  [
    'matchExpressions: DoesNotExist',
    [
      '{podSelector: {}, ingress: [{from: [{podSelector: {matchExpressions: [{key: role, operator: DoesNotExist}]}}]}]}',
    ],
    workload({}),
    80,
    true,
  ],
  [
    'matchExpressions choose whom the policy is about',
    ['{podSelector: {matchExpressions: [{key: role, operator: NotIn, values: [db]}]}}'],
    STRANGER,
    80,
    true,
  ],
];

const TO_DATABASE =
  '{podSelector: {}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {app: database}}}], ports: [{protocol: TCP, port: 5432}]}]}';
const DATABASE = workload({ labels: { app: 'database', 'port.rampart.dev/sql': '5432' } });

const EGRESS: readonly Case[] = [
  ['by default, a pod is non-isolated for egress; all outbound connections are allowed', [], STRANGER, 80, true],
  [
    'a policy without egress rules and policyTypes does not isolate for egress',
    ['{podSelector: {}}'],
    STRANGER,
    80,
    true,
  ],
  [
    'a policy with egress rules isolates for egress without policyTypes',
    ['{podSelector: {}, egress: [{ports: [{port: 443}]}]}'],
    STRANGER,
    80,
    false,
  ],
  ['default deny all egress', ['{podSelector: {}, policyTypes: [Egress]}'], STRANGER, 80, false],
  [
    'default deny all ingress and all egress',
    ['{podSelector: {}, policyTypes: [Ingress, Egress]}'],
    address('192.0.2.1'),
    443,
    false,
  ],
  ['allow all egress', ['{podSelector: {}, policyTypes: [Egress], egress: [{}]}'], address('192.0.2.1'), 443, true],
  ['an empty to matches all destinations', ['{podSelector: {}, egress: [{to: []}]}'], address('192.0.2.1'), 443, true],
  [
    'egress rules count for nothing when policyTypes leaves them out',
    ['{podSelector: {}, policyTypes: [Ingress], egress: [{ports: [{port: 1}]}]}'],
    STRANGER,
    80,
    true,
  ],
  ['to a pod on its port', [TO_DATABASE], DATABASE, 5432, true],
  ['to a pod on another port', [TO_DATABASE], DATABASE, 5433, false],
  ['to another pod', [TO_DATABASE], STRANGER, 5432, false],
  ['to a pod that is only an address here', [TO_DATABASE], address('10.0.0.9'), 5432, false],
  ['a named port is the destination’s', ['{podSelector: {}, egress: [{ports: [{port: sql}]}]}'], DATABASE, 5432, true],
  [
    'a named port of an address is none',
    ['{podSelector: {}, egress: [{ports: [{port: sql}]}]}'],
    address('10.0.0.9'),
    5432,
    false,
  ],
  [
    'a named port of one’s own is not meant',
    ['{podSelector: {}, egress: [{ports: [{port: metrics}]}]}'],
    STRANGER,
    9090,
    false,
  ],
  [
    'to a block on a port',
    ['{podSelector: {}, egress: [{to: [{ipBlock: {cidr: 10.0.0.0/24}}], ports: [{port: 5978}]}]}'],
    address('10.0.0.77'),
    5978,
    true,
  ],
  [
    'additive in egress too',
    [TO_DATABASE, '{podSelector: {}, egress: [{ports: [{port: 443}]}]}'],
    address('192.0.2.1'),
    443,
    true,
  ],
];

describe('NetworkPolicy', () => {
  for (const [fact, specs, peer, port, passes] of INGRESS) {
    it(`ingress: ${fact}`, () => assert.equal(rulesOf(...specs).admit(peer, port) === undefined, passes));
  }
  for (const [fact, specs, peer, port, passes] of EGRESS) {
    it(`egress: ${fact}`, () => assert.equal(rulesOf(...specs).dial(peer, port) === undefined, passes));
  }

  it('says in which directions it isolates, so that nobody looks at peers in vain', () => {
    const directions = (...specs: readonly string[]): readonly boolean[] => {
      const { isolatesIngress, isolatesEgress } = rulesOf(...specs);
      return [isolatesIngress, isolatesEgress];
    };
    assert.deepEqual(directions(), [false, false]);
    assert.deepEqual(directions('{podSelector: {}}'), [true, false]);
    assert.deepEqual(directions('{podSelector: {}, policyTypes: [Egress]}'), [false, true]);
    assert.deepEqual(directions('{podSelector: {}, policyTypes: [Ingress, Egress]}'), [true, true]);
  });

  it('of another namespace it is about nobody here, the root namespace included', () => {
    for (const namespace of ['web', 'istio-system']) {
      assert.equal(
        rulesIn(namespace, '{podSelector: {}, policyTypes: [Ingress, Egress]}').admit(STRANGER, 80),
        undefined,
      );
    }
  });

  it('names the policy, the peer and the port in its verdict', () => {
    const peer = { ...STRANGER, principal: 'cluster.local/ns/default/sa/batch' };
    const verdict = rulesOf(FROM_FRONTEND).admit(peer, 8080);
    assert.equal(verdict?.decision, 'DENY');
    assert.equal(verdict.policy, 'default/policy-0');
    assert.equal(
      verdict.reason,
      'no ingress rule of NetworkPolicy default/policy-0 lets cluster.local/ns/default/sa/batch (role=batch) in on port 8080',
    );
    assert.equal(
      rulesOf(TO_DATABASE, '{podSelector: {}, policyTypes: [Egress]}').dial(address('192.0.2.1'), 443)?.reason,
      'no egress rule of NetworkPolicies default/policy-0, default/policy-1 lets this workload out to 192.0.2.1 on port 443',
    );
    assert.match(
      rulesOf(FROM_FRONTEND).admit({ ip: '10.0.0.9', principal: 'cluster.local/ns/x/sa/y' }, 80)?.reason ?? '',
      /lets cluster\.local\/ns\/x\/sa\/y at 10\.0\.0\.9, whose labels are not known here, in on port 80$/,
    );
  });
});
