import { readAuthorizationPolicySpec } from './authorization/policy.ts';
import type { Cursor, Reader } from './cursor.ts';
import { checkDryRun } from './dry-run.ts';
import { readPeerAuthenticationSpec } from './peer-authentication.ts';
import type { Resource, ResourceKind, ResourceMeta } from './resource.ts';

/** What is known of a kind. */
export interface KindDefinition {
  readonly group: string;
  /** All of them mean the same. */
  readonly versions: readonly string[];
  /** Reads the spec under a whole resource and puts the resource together. */
  readonly read: (at: Cursor, common: CommonParts) => Resource | undefined;
}

export interface CommonParts {
  readonly apiVersion: string;
  readonly metadata: ResourceMeta;
}

type OfKind<K extends ResourceKind> = Extract<Resource, { readonly kind: K }>;

const ISTIO_SECURITY = { group: 'security.istio.io', versions: ['v1', 'v1beta1'] } as const;

/** Every kind there is; nothing outside this table asks for a kind's name in order to read it. */
export const KINDS: { readonly [K in ResourceKind]: KindDefinition } = {
  PeerAuthentication: { ...ISTIO_SECURITY, read: reader('PeerAuthentication', readPeerAuthenticationSpec) },
  AuthorizationPolicy: { ...ISTIO_SECURITY, read: reader('AuthorizationPolicy', readAuthorizationPolicySpec) },
};

export function isKind(text: string): text is ResourceKind {
  return Object.hasOwn(KINDS, text);
}

function reader<K extends ResourceKind>(kind: K, readSpec: Reader<OfKind<K>['spec']>): KindDefinition['read'] {
  return (at, common) => {
    const spec = readSpec(at.child('spec').orElse({}));
    if (spec === undefined) return undefined;
    const resource = { apiVersion: common.apiVersion, kind, metadata: common.metadata, spec } as OfKind<K>;
    checkDryRun(resource, at);
    return resource;
  };
}
