import type { Cursor } from '../cursor.ts';
import { readLabelSelector, type LabelSelector } from './label-selector.ts';
import { readPeers, type NetworkPeer } from './peer.ts';
import { readPorts, type NetworkPort } from './port.ts';

export type NetworkDirection = 'Ingress' | 'Egress';

/** What may come in: from any of the peers, to any of the ports; an absent or empty list asks nothing. */
export interface IngressRule {
  readonly from?: readonly NetworkPeer[];
  readonly ports?: readonly NetworkPort[];
}

/** What may go out: to any of the peers, on any of their ports; an absent or empty list asks nothing. */
export interface EgressRule {
  readonly to?: readonly NetworkPeer[];
  readonly ports?: readonly NetworkPort[];
}

/** Kubernetes `networking.k8s.io/v1 NetworkPolicySpec`. */
export interface NetworkPolicySpec {
  readonly podSelector: LabelSelector;
  /** In which directions nothing passes but what rules name. Where absent: Ingress, and Egress when there are egress rules. */
  readonly policyTypes: readonly NetworkDirection[];
  readonly ingress?: readonly IngressRule[];
  readonly egress?: readonly EgressRule[];
}

const DIRECTIONS: readonly NetworkDirection[] = ['Ingress', 'Egress'];

export function readNetworkPolicySpec(at: Cursor): NetworkPolicySpec | undefined {
  const fields = at.fields<NetworkPolicySpec>({
    podSelector: readLabelSelector,
    policyTypes: readDirections,
    ingress: (rules) => rules.list(readIngressRule, 'a list of rules'),
    egress: (rules) => rules.list(readEgressRule, 'a list of rules'),
  });
  if (fields === undefined) return undefined;
  const { podSelector = {}, policyTypes = defaultDirections(fields) } = fields;
  warnOfUnusedRules(at, policyTypes, fields);
  return { ...fields, podSelector, policyTypes };
}

/** Kubernetes' default (`SetDefaults_NetworkPolicy`). */
function defaultDirections({ egress = [] }: Partial<NetworkPolicySpec>): NetworkDirection[] {
  return egress.length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
}

function readDirections(at: Cursor): NetworkDirection[] | undefined {
  const directions = at.list((item) => item.word(DIRECTIONS), 'a list of Ingress and Egress');
  if (directions === undefined) return undefined;
  const { length } = at.items() ?? [];
  if (length > DIRECTIONS.length) return at.error('must hold Ingress and Egress at most once each');
  return length === 0 ? undefined : [...new Set(directions)];
}

function warnOfUnusedRules(at: Cursor, types: readonly NetworkDirection[], fields: Partial<NetworkPolicySpec>): void {
  for (const [direction, field] of [
    ['Ingress', 'ingress'],
    ['Egress', 'egress'],
  ] as const) {
    if ((fields[field] ?? []).length > 0 && !types.includes(direction)) {
      at.child(field).warning(`has no effect: policyTypes does not list ${direction}`);
    }
  }
}

function readIngressRule(at: Cursor): IngressRule | undefined {
  return at.fields<IngressRule>({ from: readPeers, ports: readPorts });
}

function readEgressRule(at: Cursor): EgressRule | undefined {
  return at.fields<EgressRule>({ to: readPeers, ports: readPorts });
}
