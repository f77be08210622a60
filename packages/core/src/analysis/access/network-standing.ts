import { matchesLabelSelector } from '../../labels.ts';
import type { AddressRange, NetworkPeer } from '../../resource/network-policy/peer.ts';
import type { LabelSelector } from '../../resource/network-policy/label-selector.ts';
import { qualifiedName, type NetworkPolicy } from '../../resource/resource.ts';
import { namespaceLabels } from '../../policy/network/facts.ts';
import { compilePorts } from '../../policy/network/port.ts';
import type { Callee, MeshFacts } from '../../policy/question.ts';
import { selects } from '../../policy/selection.ts';
import type { Caller } from './callers.ts';

type Labels = Readonly<Record<string, string>>;

/** What NetworkPolicies leave of a caller's way to a workload. */
export type NetworkStanding =
  | { readonly kind: 'open' }
  /** Any of these is enough: "from 10.0.0.0/8", "with labels app=web". */
  | { readonly kind: 'some'; readonly conditions: readonly string[] }
  | { readonly kind: 'closed'; readonly reason: string };

/** A caller as far as NetworkPolicies can know it. */
export interface NetworkCaller {
  readonly kind: Caller['kind'];
  /** Undefined where it is not known, or does not count. */
  readonly namespace: string | undefined;
  /** Undefined for a group, whose members may carry any. */
  readonly labels: Labels | undefined;
}

const OPEN: NetworkStanding = { kind: 'open' };
const DEFAULT_PORT = 80;

/** Whether ingress rules let a caller in, as far as its labels and its address, which nobody knows, do not decide. */
export function ingressStanding(caller: NetworkCaller, callee: Callee, mesh: MeshFacts): NetworkStanding {
  const policies = networkPolicies(mesh).filter(
    (policy) => policy.spec.policyTypes.includes('Ingress') && selects(policy, callee, mesh.rootNamespace),
  );
  if (policies.length === 0) return OPEN;
  const port = callee.port || DEFAULT_PORT;
  const conditions = new Set<string>();
  for (const policy of policies) {
    for (const { from = [], ports } of policy.spec.ingress ?? []) {
      if (!compilePorts(ports)(port, callee.labels)) continue;
      if (from.length === 0) return OPEN;
      for (const peer of from) {
        const admission = admissionOf(peer, caller, { mesh, own: policy.metadata.namespace });
        if (admission === 'all') return OPEN;
        if (admission !== 'none') conditions.add(admission.condition);
      }
    }
  }
  if (conditions.size > 0) return { kind: 'some', conditions: [...conditions] };
  return { kind: 'closed', reason: `no ingress rule of ${named(policies)} lets ${who(caller)} in on port ${port}` };
}

/** Whether egress rules of a whole namespace let its workloads out to a workload. */
export function egressStanding(namespace: string, callee: Callee, mesh: MeshFacts): NetworkStanding {
  const policies = networkPolicies(mesh).filter(
    ({ metadata, spec }) => metadata.namespace === namespace && spec.policyTypes.includes('Egress'),
  );
  const forAll = policies.filter(({ spec }) => isEmpty(spec.podSelector));
  const destination: NetworkCaller = { kind: 'identity', namespace: callee.namespace, labels: callee.labels };
  const admissions = (policy: NetworkPolicy): readonly Admission[] =>
    (policy.spec.egress ?? [])
      .filter(({ ports }) => compilePorts(ports)(callee.port || DEFAULT_PORT, callee.labels))
      .flatMap(({ to = [] }): readonly Admission[] =>
        to.length === 0 ? ['all'] : to.map((peer) => admissionOf(peer, destination, { mesh, own: namespace })),
      );
  if (policies.length === 0 || forAll.some((policy) => admissions(policy).includes('all'))) return OPEN;
  const isPossible = policies.some((policy) => admissions(policy).some((one) => one !== 'none'));
  if (forAll.length > 0 && !isPossible) {
    return {
      kind: 'closed',
      reason: `no egress rule of ${named(policies)} lets workloads of namespace ${namespace} out`,
    };
  }
  return { kind: 'some', conditions: [`if ${named(policies)} lets it out`] };
}

type Admission = 'all' | 'none' | { readonly condition: string };

interface PeerPlace {
  readonly mesh: MeshFacts;
  /** Namespace of the policy. */
  readonly own: string;
}

function admissionOf(peer: NetworkPeer, caller: NetworkCaller, { mesh, own }: PeerPlace): Admission {
  const { podSelector, namespaceSelector, ipBlock } = peer;
  if (ipBlock !== undefined) return { condition: `from ${rangeText(ipBlock)}` };
  if (caller.kind === 'plaintext') return 'none';
  if (caller.namespace === undefined) return strangerAdmission(peer, own);
  const isInNamespace =
    namespaceSelector === undefined
      ? caller.namespace === own
      : matchesLabelSelector(namespaceSelector, labelsOfNamespace(caller.namespace, mesh));
  if (!isInNamespace) return 'none';
  if (podSelector === undefined || isEmpty(podSelector)) return 'all';
  if (caller.labels !== undefined) return matchesLabelSelector(podSelector, caller.labels) ? 'all' : 'none';
  return { condition: `with labels ${selectorText(podSelector)}` };
}

/** Of any namespace, with any labels. */
function strangerAdmission({ podSelector = {}, namespaceSelector }: NetworkPeer, own: string): Admission {
  const parts = [
    ...(isEmpty(podSelector) ? [] : [`with labels ${selectorText(podSelector)}`]),
    ...(namespaceSelector === undefined ? [`of namespace ${own}`] : []),
    ...(namespaceSelector === undefined || isEmpty(namespaceSelector)
      ? []
      : [`of a namespace with labels ${selectorText(namespaceSelector)}`]),
  ];
  return parts.length === 0 ? 'all' : { condition: parts.join(' ') };
}

function networkPolicies({ resources }: MeshFacts): readonly NetworkPolicy[] {
  return resources.filter((resource): resource is NetworkPolicy => resource.kind === 'NetworkPolicy');
}

function labelsOfNamespace(name: string, { resources }: MeshFacts): Labels {
  const declared = resources.find(({ kind, metadata }) => kind === 'Namespace' && metadata.name === name);
  return namespaceLabels(name, declared?.metadata.labels);
}

function isEmpty({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}

/** "app=web,tier in (a,b)", as kubectl writes selectors. */
function selectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const words = { In: 'in', NotIn: 'notin' } as const;
  return [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(({ key, operator, values = [] }) => {
      if (operator === 'Exists') return key;
      return operator === 'DoesNotExist' ? `!${key}` : `${key} ${words[operator]} (${values.join(',')})`;
    }),
  ].join(',');
}

function rangeText({ cidr, except = [] }: AddressRange): string {
  return except.length === 0 ? cidr : `${cidr} but ${except.join(', ')}`;
}

function named(policies: readonly NetworkPolicy[]): string {
  return `${policies.length === 1 ? 'NetworkPolicy' : 'NetworkPolicies'} ${policies.map(qualifiedName).join(', ')}`;
}

function who({ kind, namespace, labels }: NetworkCaller): string {
  if (kind === 'plaintext') return 'callers without identity';
  if (kind === 'any-identity' || namespace === undefined) return 'other callers';
  const shown = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  if (labels === undefined) return `workloads of namespace ${namespace}`;
  return `workloads with ${shown.length === 0 ? 'no labels' : `labels ${shown.join(',')}`}`;
}
