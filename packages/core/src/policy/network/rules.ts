import type { NetworkPeer } from '../../resource/network-policy/peer.ts';
import type { NetworkPort } from '../../resource/network-policy/port.ts';
import { qualifiedName, type NetworkPolicy } from '../../resource/resource.ts';
import { verdictOf } from '../authorization/verdicts.ts';
import { parseIpAddress } from '../match/address/ip-block.ts';
import type { WorkloadRef } from '../selection.ts';
import type { Verdict } from '../verdict.ts';
import type { NetworkPeerFacts } from './facts.ts';
import { compilePeers, type PeerTest } from './peer.ts';
import { compilePorts, type PortTest } from './port.ts';

/** The NetworkPolicies of one workload (Kubernetes `networking.k8s.io/v1`), for its TCP connections. */
export interface NetworkRules {
  /** False when no policy is about what comes in: then everybody may, and nobody need be looked at. */
  readonly isolatesIngress: boolean;
  /** False when no policy is about what goes out. */
  readonly isolatesEgress: boolean;
  /** A DENY verdict when this peer may not connect to that port of the workload, else undefined. */
  admit(peer: NetworkPeerFacts, port: number): Verdict | undefined;
  /** A DENY verdict when the workload may not connect to that port of the destination, else undefined. */
  dial(destination: NetworkPeerFacts, port: number): Verdict | undefined;
}

/**
 * Compiles the policies that are about a workload, oldest first. They add up: what one of them lets through passes. A
 * workload that none is about in a direction is open in it; one that any is about passes only what a rule names.
 */
export function compileNetworkRules(own: readonly NetworkPolicy[], workload: WorkloadRef): NetworkRules {
  const ingress = compileDirection(
    own.filter(({ spec }) => spec.policyTypes.includes('Ingress')),
    ({ spec }) => (spec.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports })),
  );
  const egress = compileDirection(
    own.filter(({ spec }) => spec.policyTypes.includes('Egress')),
    ({ spec }) => (spec.egress ?? []).map(({ to, ports }) => ({ peers: to, ports })),
  );
  return {
    isolatesIngress: ingress !== undefined,
    isolatesEgress: egress !== undefined,
    admit: (peer, port) =>
      ingress === undefined || passes(ingress, { peer, port, destination: workload.labels })
        ? undefined
        : refusal(ingress, (rules) => `no ingress rule of ${rules} lets ${describe(peer)} in on port ${port}`),
    dial: (peer, port) =>
      egress === undefined || passes(egress, { peer, port, destination: peer.labels })
        ? undefined
        : refusal(
            egress,
            (rules) => `no egress rule of ${rules} lets this workload out to ${describe(peer)} on port ${port}`,
          ),
  };
}

/** Where no NetworkPolicy is known of. */
export const OPEN_NETWORK: NetworkRules = {
  isolatesIngress: false,
  isolatesEgress: false,
  admit: () => undefined,
  dial: () => undefined,
};

/** Where a NetworkPolicy cannot be read: whatever it says, nothing passes in either direction. */
export function shutNetwork(reason: string): NetworkRules {
  const verdict = verdictOf({ decision: 'DENY', policy: '', rule: -1, action: '', reason, mode: '' });
  return { isolatesIngress: true, isolatesEgress: true, admit: () => verdict, dial: () => verdict };
}

interface Direction {
  /** "namespace/name" of every policy that isolates, at least one. */
  readonly policies: readonly string[];
  readonly rules: readonly { readonly isPeer: PeerTest; readonly isPort: PortTest }[];
}

interface RawRule {
  readonly peers: readonly NetworkPeer[] | undefined;
  readonly ports: readonly NetworkPort[] | undefined;
}

function compileDirection(
  policies: readonly NetworkPolicy[],
  rulesOf: (policy: NetworkPolicy) => readonly RawRule[],
): Direction | undefined {
  if (policies.length === 0) return undefined;
  return {
    policies: policies.map(qualifiedName),
    rules: policies.flatMap((policy) =>
      rulesOf(policy).map(({ peers, ports }) => ({
        isPeer: compilePeers(peers, policy.metadata.namespace),
        isPort: compilePorts(ports),
      })),
    ),
  };
}

interface Attempt {
  readonly peer: NetworkPeerFacts;
  readonly port: number;
  /** Labels of the workload that is connected to: it names the ports. */
  readonly destination: Readonly<Record<string, string>> | undefined;
}

function passes({ rules }: Direction, { peer, port, destination }: Attempt): boolean {
  const address = parseIpAddress(peer.ip);
  return rules.some(({ isPeer, isPort }) => isPort(port, destination) && isPeer(peer, address));
}

/** Nothing matched, so all of them refused; the oldest lends its name. */
function refusal({ policies }: Direction, reason: (rules: string) => string): Verdict {
  const [policy = ''] = policies;
  const noun = policies.length === 1 ? 'NetworkPolicy' : 'NetworkPolicies';
  const text = reason(`${noun} ${policies.join(', ')}`);
  return verdictOf({ decision: 'DENY', policy, rule: -1, action: '', reason: text, mode: '' });
}

function describe({ ip, principal, namespace, labels }: NetworkPeerFacts): string {
  const address = ip === '' ? 'an unknown address' : ip;
  if (namespace === undefined) {
    return principal === undefined ? address : `${principal} at ${address}, whose labels are not known here,`;
  }
  const shown = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  const named = principal ?? `a workload of namespace ${namespace}`;
  return `${named} (${shown.length === 0 ? 'no labels' : shown.join(',')})`;
}
