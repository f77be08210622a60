import type { ExtAuthzProvider } from '../resource/mesh-config/provider.ts';
import type { OutboundTrafficPolicy } from '../resource/mesh-config/spec.ts';
import type { MeshConfig, Resource } from '../resource/resource.ts';
import type { PathNormalization } from './path.ts';

/** What holds for the whole mesh, from the MeshConfig of its root namespace. */
export interface MeshSettings {
  /** Former names of the trust domain. */
  readonly trustDomainAliases: readonly string[];
  readonly pathNormalization: PathNormalization;
  /** How many proxies before the first workload are believed about the client's address. */
  readonly numTrustedProxies: number;
  /** External authorizers by name. */
  readonly providers: ReadonlyMap<string, ExtAuthzProvider>;
  /** REGISTRY_ONLY: nothing outside the mesh may be called that no ServiceEntry makes known. */
  readonly outbound: OutboundTrafficPolicy['mode'];
}

const DEFAULT_SETTINGS: MeshSettings = {
  trustDomainAliases: [],
  pathNormalization: 'BASE',
  numTrustedProxies: 0,
  providers: new Map(),
  outbound: 'ALLOW_ANY',
};

/** The settings among a mesh's resources: those of the MeshConfig in its root namespace, defaults where there is none. */
export function meshSettingsOf(resources: readonly Resource[], rootNamespace: string): MeshSettings {
  const config = resources.find(
    (resource): resource is MeshConfig =>
      resource.kind === 'MeshConfig' && resource.metadata.namespace === rootNamespace,
  );
  if (config === undefined) return DEFAULT_SETTINGS;
  const {
    trustDomainAliases = [],
    pathNormalization,
    numTrustedProxies,
    extensionProviders,
    outboundTrafficPolicy,
  } = config.spec;
  const providers = new Map(extensionProviders.map((provider) => [provider.name, provider]));
  return {
    trustDomainAliases,
    pathNormalization,
    numTrustedProxies,
    providers,
    outbound: outboundTrafficPolicy?.mode ?? 'ALLOW_ANY',
  };
}
