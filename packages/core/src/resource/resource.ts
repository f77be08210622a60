import type { AttestorSpec } from './attestor/spec.ts';
import type { AuthorizationPolicySpec } from './authorization/policy.ts';
import type { FederatedTrustDomainSpec } from './federation/spec.ts';
import type { MeshConfigSpec } from './mesh-config/spec.ts';
import type { NamespaceSpec } from './namespace.ts';
import type { NetworkPolicySpec } from './network-policy/spec.ts';
import type { PeerAuthenticationSpec } from './peer-authentication.ts';
import type { QuarantineSpec } from './quarantine/spec.ts';
import type { RateLimitSpec } from './rate-limit/spec.ts';
import type { RequestSignatureSpec } from './request-signature/spec.ts';
import type { RegistrationEntrySpec } from './registration/spec.ts';
import type { RegistryAclSpec } from './registry/acl.ts';
import type { RegistrySettingsSpec } from './registry/settings.ts';
import type { RequestAuthenticationSpec } from './request-authentication/spec.ts';
import type { ServiceTokenPolicySpec } from './service-token/spec.ts';
import type { DestinationRuleSpec } from './traffic/destination-rule/spec.ts';
import type { FallbackSpec } from './traffic/fallback/spec.ts';
import type { ServiceEntrySpec } from './traffic/service-entry/spec.ts';
import type { VirtualServiceSpec } from './traffic/virtual-service/spec.ts';

/** What every resource carries besides its spec (Kubernetes `metadata`). */
export interface ResourceMeta {
  readonly name: string;
  /** "" for a kind that belongs to no namespace. */
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Unix milliseconds (`creationTimestamp` in documents); absent sorts before every date, as Istio's zero time does. */
  readonly createdAt?: number;
}

interface Envelope<Kind extends string, Spec> {
  readonly apiVersion: string;
  readonly kind: Kind;
  readonly metadata: ResourceMeta;
  readonly spec: Spec;
}

/** Which TLS the ports of a workload accept (istio/api `security/v1beta1/peer_authentication.proto`). */
export type PeerAuthentication = Envelope<'PeerAuthentication', PeerAuthenticationSpec>;

/** Who may call what (istio/api `security/v1beta1/authorization_policy.proto`). */
export type AuthorizationPolicy = Envelope<'AuthorizationPolicy', AuthorizationPolicySpec>;

/** Which end-user tokens are accepted (istio/api `security/v1beta1/request_authentication.proto`). */
export type RequestAuthentication = Envelope<'RequestAuthentication', RequestAuthenticationSpec>;

/** Which tokens of other services are accepted, and what their scopes allow. */
export type ServiceTokenPolicy = Envelope<'ServiceTokenPolicy', ServiceTokenPolicySpec>;

/** Which connections may come in and go out (Kubernetes `networking.k8s.io/v1`). */
export type NetworkPolicy = Envelope<'NetworkPolicy', NetworkPolicySpec>;

/** Labels of a namespace (Kubernetes `v1`). */
export type Namespace = Envelope<'Namespace', NamespaceSpec>;

/** What holds for the whole mesh: the one named "default" in the root namespace. */
export type MeshConfig = Envelope<'MeshConfig', MeshConfigSpec>;

/** How much workloads take, of whom. */
export type RateLimit = Envelope<'RateLimit', RateLimitSpec>;

/** Who is cut off from the mesh; only in the root namespace. */
export type Quarantine = Envelope<'Quarantine', QuarantineSpec>;

/** Requests that workloads take only signed by their callers. */
export type RequestSignaturePolicy = Envelope<'RequestSignaturePolicy', RequestSignatureSpec>;

/** Who gets which identity. */
export type RegistrationEntry = Envelope<'RegistrationEntry', RegistrationEntrySpec>;

/** Which evidence is believed, of whom; only in the root namespace. */
export type Attestor = Envelope<'Attestor', AttestorSpec>;

/** A trust domain whose identities are known here too; only in the root namespace. */
export type FederatedTrustDomain = Envelope<'FederatedTrustDomain', FederatedTrustDomainSpec>;

/** Who may discover and register what in the registry; only in the root namespace. */
export type RegistryAcl = Envelope<'RegistryAcl', RegistryAclSpec>;

/** How the registry decides: the one named "default" in the root namespace. */
export type RegistrySettings = Envelope<'RegistrySettings', RegistrySettingsSpec>;

/** How requests to hosts are routed (istio/api `networking/v1alpha3/virtual_service.proto`). */
export type VirtualService = Envelope<'VirtualService', VirtualServiceSpec>;

/** How requests that were routed to a service are sent (istio/api `networking/v1alpha3/destination_rule.proto`). */
export type DestinationRule = Envelope<'DestinationRule', DestinationRuleSpec>;

/** What callers of a service are given while none of its instances can answer. */
export type Fallback = Envelope<'Fallback', FallbackSpec>;

/** Hosts outside the mesh that may be called (istio/api `networking/v1alpha3/service_entry.proto`). */
export type ServiceEntry = Envelope<'ServiceEntry', ServiceEntrySpec>;

/** Every kind that can be applied; a new kind joins here and in `kinds.ts`. */
export type Resource =
  | PeerAuthentication
  | RequestAuthentication
  | AuthorizationPolicy
  | ServiceTokenPolicy
  | NetworkPolicy
  | VirtualService
  | DestinationRule
  | ServiceEntry
  | Fallback
  | RateLimit
  | Quarantine
  | RequestSignaturePolicy
  | Namespace
  | MeshConfig
  | RegistrationEntry
  | Attestor
  | FederatedTrustDomain
  | RegistryAcl
  | RegistrySettings;

export type ResourceKind = Resource['kind'];

/** "Kind/namespace/name": what makes a resource the same resource. */
export function resourceKey(resource: Resource): string {
  return `${resource.kind}/${resource.metadata.namespace}/${resource.metadata.name}`;
}

/** "namespace/name": how verdicts, logs and pages name a policy; the name alone where there is no namespace. */
export function qualifiedName({ metadata }: { readonly metadata: Pick<ResourceMeta, 'name' | 'namespace'> }): string {
  return metadata.namespace === '' ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}
