import type { PathNormalization } from '../../policy/path.ts';
import { TrustDomain } from '../../identity/trust-domain.ts';
import type { Cursor } from '../cursor.ts';
import { parsesWith, textList } from '../text-list.ts';
import { readProviders, writeProvider, type ExtAuthzProvider } from './provider.ts';

/** What holds for the whole mesh (istio/api `mesh/v1alpha1/config.proto`, the part that policies depend on). */
export interface MeshConfigSpec {
  readonly trustDomainAliases?: readonly string[];
  /** BASE where the document says nothing or DEFAULT. */
  readonly pathNormalization: PathNormalization;
  /** Proxies in front of the first workload whose word on the client's address counts. */
  readonly numTrustedProxies: number;
  readonly extensionProviders: readonly ExtAuthzProvider[];
  /** What may be called that is no service of the mesh; everything where absent. */
  readonly outboundTrafficPolicy?: OutboundTrafficPolicy;
}

export interface OutboundTrafficPolicy {
  readonly mode: 'ALLOW_ANY' | 'REGISTRY_ONLY';
}

interface Topology {
  readonly numTrustedProxies: number;
}

interface SpecFields {
  readonly trustDomainAliases: readonly string[];
  readonly pathNormalization: { readonly normalization: PathNormalization };
  readonly gatewayTopology: Topology;
  readonly defaultConfig: { readonly gatewayTopology: Topology };
  readonly extensionProviders: readonly ExtAuthzProvider[];
  readonly outboundTrafficPolicy: OutboundTrafficPolicy;
}

const NORMALIZATIONS = ['DEFAULT', 'NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES'] as const;
/** Envoy's own bound is 32 bits; no chain of proxies is longer than this. */
const MAX_PROXIES = 255;

export function readMeshConfigSpec(at: Cursor): MeshConfigSpec | undefined {
  const fields = at.fields<SpecFields>({
    trustDomainAliases: textList(parsesWith((text) => TrustDomain.parse(text))),
    pathNormalization: readPathNormalization,
    gatewayTopology: readTopology,
    defaultConfig: (config) => required(config, 'gatewayTopology', { gatewayTopology: readTopology }),
    extensionProviders: readProviders,
    outboundTrafficPolicy: (policy) =>
      required(policy, 'mode', { mode: (mode) => mode.word(['ALLOW_ANY', 'REGISTRY_ONLY']) }),
  });
  if (fields === undefined) return undefined;
  const { trustDomainAliases, pathNormalization, gatewayTopology, defaultConfig, extensionProviders = [] } = fields;
  const { outboundTrafficPolicy } = fields;
  if (gatewayTopology !== undefined && defaultConfig !== undefined) {
    at.child('gatewayTopology').misplaced('stands in defaultConfig, too: keep one of them');
  }
  return {
    ...(trustDomainAliases === undefined ? {} : { trustDomainAliases }),
    pathNormalization: pathNormalization?.normalization ?? 'BASE',
    numTrustedProxies: (gatewayTopology ?? defaultConfig?.gatewayTopology)?.numTrustedProxies ?? 0,
    extensionProviders,
    ...(outboundTrafficPolicy === undefined ? {} : { outboundTrafficPolicy }),
  };
}

export function writeMeshConfigSpec(spec: MeshConfigSpec): object {
  const { trustDomainAliases, pathNormalization, numTrustedProxies, extensionProviders, outboundTrafficPolicy } = spec;
  return {
    ...(trustDomainAliases === undefined ? {} : { trustDomainAliases }),
    pathNormalization: { normalization: pathNormalization },
    defaultConfig: { gatewayTopology: { numTrustedProxies } },
    extensionProviders: extensionProviders.map(writeProvider),
    ...(outboundTrafficPolicy === undefined ? {} : { outboundTrafficPolicy }),
  };
}

function readPathNormalization(at: Cursor): { normalization: PathNormalization } | undefined {
  return required(at, 'normalization', { normalization: readNormalization });
}

function readNormalization(at: Cursor): PathNormalization | undefined {
  const word = at.word(NORMALIZATIONS);
  return word === 'DEFAULT' ? 'BASE' : word;
}

function readTopology(at: Cursor): Topology | undefined {
  return required(at, 'numTrustedProxies', {
    numTrustedProxies: (field) => field.integer('a number of proxies', { min: 0, max: MAX_PROXIES }),
  });
}

/** An object with one field of interest; undefined when the field is not there or wrong. */
function required<K extends string, T>(
  at: Cursor,
  name: K,
  readers: { readonly [P in K]: (field: Cursor) => T | undefined },
): Record<K, T> | undefined {
  const fields = at.fields<Record<string, object>>(readers as Record<string, (field: Cursor) => object | undefined>);
  return fields?.[name] === undefined ? undefined : (fields as Record<K, T>);
}
