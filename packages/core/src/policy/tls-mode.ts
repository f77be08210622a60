import type { MutualTlsMode } from '../resource/peer-authentication.ts';
import { qualifiedName, type PeerAuthentication } from '../resource/resource.ts';
import { byAge, type WorkloadRef } from './selection.ts';

/** Which connections a port takes, and which PeerAuthentication says so. */
export interface TlsMode {
  readonly mode: 'STRICT' | 'PERMISSIVE' | 'DISABLE';
  /** "istio-system/default"; "" when no policy says anything. */
  readonly policy: string;
  readonly scope: 'mesh' | 'namespace' | 'workload' | 'port' | 'default';
  /** "STRICT from namespace production". */
  readonly describe: string;
}

const DEFAULT_TLS_MODE: TlsMode = {
  mode: 'PERMISSIVE',
  policy: '',
  scope: 'default',
  describe: 'PERMISSIVE by default',
};

/** What applies to one workload, of each scope the oldest only; nothing is ever merged (Istio). */
export interface PeerAuthenticationLayers {
  readonly mesh: PeerAuthentication | undefined;
  readonly namespace: PeerAuthentication | undefined;
  readonly workload: PeerAuthentication | undefined;
}

/** Sorts out which policies apply to a workload. Its caller has already left out those that do not select it. */
export function layerPeerAuthentications(
  policies: readonly PeerAuthentication[],
  workload: WorkloadRef,
  rootNamespace: string,
): PeerAuthenticationLayers {
  const sorted = policies.toSorted(byAge);
  const inMesh = (policy: PeerAuthentication): boolean => policy.metadata.namespace === rootNamespace;
  return {
    mesh: sorted.find((policy) => inMesh(policy) && !hasSelector(policy)),
    namespace: sorted.find((policy) => !inMesh(policy) && isOf(policy, workload) && !hasSelector(policy)),
    workload: sorted.find((policy) => !inMesh(policy) && isOf(policy, workload) && hasSelector(policy)),
  };
}

/** An empty selector is none. */
function hasSelector(policy: PeerAuthentication): boolean {
  return Object.keys(policy.spec.selector?.matchLabels ?? {}).length > 0;
}

/** Port over workload over namespace over mesh; UNSET asks the next wider one, and the mesh's UNSET is PERMISSIVE. */
export function resolveTlsMode(layers: PeerAuthenticationLayers, port: number): TlsMode {
  const { mesh, namespace, workload } = layers;
  const portMode = workload?.spec.portLevelMtls?.[String(port)]?.mode;
  return (
    tlsMode(workload, portMode, { scope: 'port', where: `port ${port} of ` }) ??
    tlsMode(workload, workload?.spec.mtls?.mode, { scope: 'workload', where: 'workload ' }) ??
    tlsMode(namespace, namespace?.spec.mtls?.mode, { scope: 'namespace', where: 'namespace ' }) ??
    tlsMode(mesh, mesh?.spec.mtls?.mode, { scope: 'mesh', where: 'mesh ' }) ??
    DEFAULT_TLS_MODE
  );
}

function tlsMode(
  policy: PeerAuthentication | undefined,
  mode: MutualTlsMode | undefined,
  { scope, where }: { readonly scope: TlsMode['scope']; readonly where: string },
): TlsMode | undefined {
  if (policy === undefined || mode === undefined || mode === 'UNSET') return undefined;
  const name = qualifiedName(policy);
  const place = scope === 'mesh' || scope === 'namespace' ? policy.metadata.namespace : name;
  return { mode, policy: name, scope, describe: `${mode} from ${where}${place}` };
}

function isOf(policy: PeerAuthentication, workload: WorkloadRef): boolean {
  return policy.metadata.namespace === workload.namespace;
}
