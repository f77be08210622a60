import type { AuthorizationPolicySpec } from './authorization/policy.ts';
import type { PeerAuthenticationSpec } from './peer-authentication.ts';

/** What every resource carries besides its spec (Kubernetes `metadata`). */
export interface ResourceMeta {
  readonly name: string;
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

/** Every kind that can be applied; a new kind joins here and in `kinds.ts`. */
export type Resource = PeerAuthentication | AuthorizationPolicy;

export type ResourceKind = Resource['kind'];

/** "Kind/namespace/name": what makes a resource the same resource. */
export function resourceKey(resource: Resource): string {
  return `${resource.kind}/${resource.metadata.namespace}/${resource.metadata.name}`;
}

/** "namespace/name": how verdicts, logs and pages name a policy. */
export function qualifiedName(resource: Resource): string {
  return `${resource.metadata.namespace}/${resource.metadata.name}`;
}
