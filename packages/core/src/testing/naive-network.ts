import type {
  LabelSelector,
  NetworkPeer,
  NetworkPeerFacts,
  NetworkPolicy,
  NetworkPort,
  WorkloadRef,
} from '../index.ts';

/** An attempt to connect, seen from the workload whose policies are asked. */
export interface NetworkAttempt {
  readonly direction: 'Ingress' | 'Egress';
  readonly peer: NetworkPeerFacts;
  readonly port: number;
}

/**
 * A second reading of Kubernetes' NetworkPolicy, written for plainness only, straight from the API's comments: nothing
 * compiled, addresses as text of bits. IPv4 only.
 */
export function naiveNetwork(policies: readonly NetworkPolicy[], own: WorkloadRef, attempt: NetworkAttempt): boolean {
  const selecting = policies.filter(
    ({ metadata, spec }) => metadata.namespace === own.namespace && selected(spec.podSelector, own.labels),
  );
  const isolating = selecting.filter(({ spec }) => spec.policyTypes.includes(attempt.direction));
  if (isolating.length === 0) return true;
  const destination = attempt.direction === 'Ingress' ? own.labels : (attempt.peer.labels ?? {});
  return isolating.some(({ spec, metadata }) => {
    const rules =
      attempt.direction === 'Ingress'
        ? (spec.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports }))
        : (spec.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }));
    return rules.some(
      ({ peers = [], ports = [] }) =>
        (peers.length === 0 || peers.some((peer) => isPeer(peer, metadata.namespace, attempt.peer))) &&
        (ports.length === 0 || ports.some((port) => isPort(port, attempt.port, destination))),
    );
  });
}

function isPeer(peer: NetworkPeer, namespace: string, facts: NetworkPeerFacts): boolean {
  const { ipBlock, podSelector, namespaceSelector } = peer;
  if (ipBlock !== undefined) {
    return inBlock(ipBlock.cidr, facts.ip) && !(ipBlock.except ?? []).some((cidr) => inBlock(cidr, facts.ip));
  }
  if (facts.namespace === undefined) return false;
  if (namespaceSelector === undefined && facts.namespace !== namespace) return false;
  if (namespaceSelector !== undefined && !selected(namespaceSelector, facts.namespaceLabels ?? {})) return false;
  return podSelector === undefined || selected(podSelector, facts.labels ?? {});
}

function isPort(asked: NetworkPort, port: number, destination: Readonly<Record<string, string>>): boolean {
  if (asked.protocol !== 'TCP') return false;
  if (asked.port === undefined) return true;
  if (typeof asked.port === 'string') return destination[`port.rampart.dev/${asked.port}`] === `${port}`;
  return asked.endPort === undefined ? asked.port === port : asked.port <= port && port <= asked.endPort;
}

function selected(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) if (labels[key] !== value) return false;
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = labels[key];
    const isListed = value !== undefined && values.includes(value);
    return { Exists: value !== undefined, DoesNotExist: value === undefined, In: isListed, NotIn: !isListed }[operator];
  });
}

function inBlock(cidr: string, ip: string): boolean {
  const [base = '', length = '32'] = cidr.split('/');
  return ip !== '' && bits(base).slice(0, Number(length)) === bits(ip).slice(0, Number(length));
}

function bits(ip: string): string {
  return ip
    .split('.')
    .map((byte) => Number(byte).toString(2).padStart(8, '0'))
    .join('');
}
