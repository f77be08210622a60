import { suggestion } from './spelling.ts';

/** Kinds of Istio and Kubernetes that people bring, and what says the same here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  ConfigMap: 'Istio’s mesh configuration is written as kind MeshConfig of rampart.dev/v1 here',
  IstioOperator: 'its spec.meshConfig is written as kind MeshConfig of rampart.dev/v1 here',
  Policy: 'it was replaced by PeerAuthentication and RequestAuthentication of security.istio.io/v1',
  MeshPolicy: 'it was replaced by PeerAuthentication of security.istio.io/v1 in the root namespace',
  ServiceRole: 'it was replaced by AuthorizationPolicy of security.istio.io/v1',
  ServiceRoleBinding: 'it was replaced by AuthorizationPolicy of security.istio.io/v1',
  ClusterRbacConfig: 'it was replaced by AuthorizationPolicy of security.istio.io/v1',
  CiliumNetworkPolicy: 'write it as NetworkPolicy of networking.k8s.io/v1',
  AdminNetworkPolicy: 'write it as NetworkPolicy of networking.k8s.io/v1',
};

/** What to write instead of a kind that nobody knows here. */
export function kindHint(kind: string, apiVersion: unknown, kindsOf: ReadonlyMap<string, readonly string[]>): string {
  const elsewhere = Object.hasOwn(ELSEWHERE, kind) ? ELSEWHERE[kind] : undefined;
  if (elsewhere !== undefined) return elsewhere;
  const known = [...new Set([...kindsOf.values()].flat())];
  if (kind === 'List') return 'a list cannot stand in a list: write its items here';
  if (kind.endsWith('List') && known.includes(kind.slice(0, -'List'.length))) {
    return 'a list of resources is written as kind List of v1, with apiVersion and kind in each item';
  }
  if (kindsOf.has(kind) && typeof apiVersion === 'string' && known.includes(apiVersion)) {
    return `apiVersion and kind are the wrong way round: write "apiVersion: ${kind}" and "kind: ${apiVersion}"`;
  }
  const ofVersion = typeof apiVersion === 'string' ? kindsOf.get(apiVersion) : undefined;
  const near = suggestion(kind, known);
  return near.startsWith('did you') || ofVersion === undefined
    ? near
    : `of ${String(apiVersion)} are known here: ${ofVersion.join(', ')}`;
}
