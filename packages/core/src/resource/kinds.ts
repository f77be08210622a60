import { readAttestorSpec, writeAttestorSpec } from './attestor/spec.ts';
import { readAuthorizationPolicySpec } from './authorization/policy.ts';
import type { Cursor, Reader } from './cursor.ts';
import { checkDryRun } from './dry-run.ts';
import { readMeshConfigSpec, writeMeshConfigSpec } from './mesh-config/spec.ts';
import { readFederatedTrustDomainSpec } from './federation/spec.ts';
import type { MetadataScope } from './metadata/metadata.ts';
import { readNamespaceSpec } from './namespace.ts';
import { readNetworkPolicySpec } from './network-policy/spec.ts';
import { checkPlace } from './metadata/place-checks.ts';
import { readPeerAuthenticationSpec } from './peer-authentication.ts';
import { readQuarantineSpec } from './quarantine/spec.ts';
import { readRateLimitSpec } from './rate-limit/spec.ts';
import { readRequestSignatureSpec, writeRequestSignatureSpec } from './request-signature/spec.ts';
import { readRegistrationEntrySpec, writeRegistrationEntrySpec } from './registration/spec.ts';
import { readRegistryAclSpec } from './registry/acl.ts';
import { readRegistrySettingsSpec } from './registry/settings.ts';
import { readRequestAuthenticationSpec, writeRequestAuthenticationSpec } from './request-authentication/spec.ts';
import type { Resource, ResourceKind, ResourceMeta } from './resource.ts';
import { readServiceTokenPolicySpec } from './service-token/spec.ts';
import { readDestinationRuleSpec } from './traffic/destination-rule/spec.ts';
import { toDocumentForm } from './traffic/document-form.ts';
import { readFallbackSpec } from './traffic/fallback/spec.ts';
import { readServiceEntrySpec } from './traffic/service-entry/spec.ts';
import { readVirtualServiceSpec } from './traffic/virtual-service/spec.ts';

/** What is known of a kind. */
export interface KindDefinition {
  /** "" for Kubernetes' core group, whose apiVersion is a version alone. */
  readonly group: string;
  /** All of them mean the same. */
  readonly versions: readonly string[];
  readonly scope: MetadataScope;
  /** Reads the spec under a whole resource and puts the resource together. */
  readonly read: (at: Cursor, common: CommonParts) => Resource | undefined;
}

export interface CommonParts {
  readonly apiVersion: string;
  readonly metadata: ResourceMeta;
  /** Undefined where it is not known. */
  readonly rootNamespace: string | undefined;
}

type OfKind<K extends ResourceKind> = Extract<Resource, { readonly kind: K }>;

const ISTIO_SECURITY = { group: 'security.istio.io', versions: ['v1', 'v1beta1'], scope: 'namespace' } as const;
const ISTIO_NETWORKING = {
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  scope: 'namespace',
} as const;
const RAMPART = { group: 'rampart.dev', versions: ['v1'] } as const;

/** Every kind there is; nothing outside this table asks for a kind's name in order to read it. */
export const KINDS: { readonly [K in ResourceKind]: KindDefinition } = {
  PeerAuthentication: { ...ISTIO_SECURITY, read: reader('PeerAuthentication', readPeerAuthenticationSpec) },
  RequestAuthentication: { ...ISTIO_SECURITY, read: reader('RequestAuthentication', readRequestAuthenticationSpec) },
  AuthorizationPolicy: { ...ISTIO_SECURITY, read: reader('AuthorizationPolicy', readAuthorizationPolicySpec) },
  ServiceTokenPolicy: {
    ...RAMPART,
    scope: 'namespace',
    read: reader('ServiceTokenPolicy', readServiceTokenPolicySpec),
  },
  NetworkPolicy: {
    group: 'networking.k8s.io',
    versions: ['v1'],
    scope: 'namespace',
    read: reader('NetworkPolicy', readNetworkPolicySpec),
  },
  VirtualService: { ...ISTIO_NETWORKING, read: reader('VirtualService', readVirtualServiceSpec) },
  DestinationRule: { ...ISTIO_NETWORKING, read: reader('DestinationRule', readDestinationRuleSpec) },
  ServiceEntry: { ...ISTIO_NETWORKING, read: reader('ServiceEntry', readServiceEntrySpec) },
  RateLimit: { ...RAMPART, scope: 'namespace', read: reader('RateLimit', readRateLimitSpec) },
  Quarantine: { ...RAMPART, scope: 'root', read: reader('Quarantine', readQuarantineSpec) },
  RequestSignaturePolicy: {
    ...RAMPART,
    scope: 'namespace',
    read: reader('RequestSignaturePolicy', readRequestSignatureSpec),
  },
  Fallback: { ...RAMPART, scope: 'namespace', read: reader('Fallback', readFallbackSpec) },
  Namespace: { group: '', versions: ['v1'], scope: 'cluster', read: reader('Namespace', readNamespaceSpec) },
  MeshConfig: { ...RAMPART, scope: 'mesh', read: reader('MeshConfig', readMeshConfigSpec) },
  RegistrationEntry: {
    ...RAMPART,
    scope: 'namespace',
    read: reader('RegistrationEntry', readRegistrationEntrySpec),
  },
  Attestor: { ...RAMPART, scope: 'root', read: reader('Attestor', readAttestorSpec) },
  FederatedTrustDomain: {
    ...RAMPART,
    scope: 'root',
    read: reader('FederatedTrustDomain', readFederatedTrustDomainSpec),
  },
  RegistryAcl: { ...RAMPART, scope: 'root', read: reader('RegistryAcl', readRegistryAclSpec) },
  RegistrySettings: { ...RAMPART, scope: 'mesh', read: reader('RegistrySettings', readRegistrySettingsSpec) },
};

/** "security.istio.io/v1": what a document of this kind may have as its apiVersion. */
export function apiVersionsOf(kind: ResourceKind): string[] {
  const { group, versions } = KINDS[kind];
  return versions.map((version) => (group === '' ? version : `${group}/${version}`));
}

/** Where resources of a kind live; undefined for a kind that is not known. */
export function scopeOfKind(kind: string): MetadataScope | undefined {
  return isKind(kind) ? KINDS[kind].scope : undefined;
}

export function isKind(text: string): text is ResourceKind {
  return Object.hasOwn(KINDS, text);
}

/** What only the control plane reads. */
const OF_CONTROL_PLANE: ReadonlySet<ResourceKind> = new Set<ResourceKind>([
  'RegistrationEntry',
  'Attestor',
  'FederatedTrustDomain',
  'RegistryAcl',
  'RegistrySettings',
]);

/** Whether data planes are told resources of a kind. */
export function isForDataPlanes(kind: ResourceKind): boolean {
  return !OF_CONTROL_PLANE.has(kind);
}

/** Specs that are not kept in the words of their documents. */
const WRITERS: { readonly [K in ResourceKind]?: (spec: OfKind<K>['spec']) => unknown } = {
  RequestAuthentication: writeRequestAuthenticationSpec,
  MeshConfig: writeMeshConfigSpec,
  RegistrationEntry: writeRegistrationEntrySpec,
  Attestor: writeAttestorSpec,
  RequestSignaturePolicy: writeRequestSignatureSpec,
  VirtualService: toDocumentForm,
  DestinationRule: toDocumentForm,
  ServiceEntry: toDocumentForm,
  Fallback: toDocumentForm,
};

/** The spec in the words of its document, which readers of the kind take back. */
export function writeSpec(resource: Resource): unknown {
  const write = WRITERS[resource.kind] as ((spec: Resource['spec']) => unknown) | undefined;
  return write === undefined ? resource.spec : write(resource.spec);
}

function reader<K extends ResourceKind>(kind: K, readSpec: Reader<OfKind<K>['spec']>): KindDefinition['read'] {
  return (at, common) => {
    const spec = readSpec(at.child('spec').orElse({}));
    if (spec === undefined) return undefined;
    const resource = { apiVersion: common.apiVersion, kind, metadata: common.metadata, spec } as OfKind<K>;
    checkDryRun(resource, at);
    checkPlace(resource, at, common.rootNamespace);
    return resource;
  };
}
