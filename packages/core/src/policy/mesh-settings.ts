import type { Resource } from '../resource/resource.ts';
import type { PathNormalization } from './path.ts';

/** An external authorizer that CUSTOM policies name (Istio `meshConfig.extensionProviders`). */
export interface ExtAuthzProvider {
  readonly name: string;
  readonly transport: 'http' | 'grpc';
  readonly service: string;
  readonly port: number;
  readonly timeoutMs: number;
  readonly failOpen: boolean;
  readonly statusOnError: number;
  readonly pathPrefix?: string;
  /** Names, also `prefix*` and `*suffix`. */
  readonly includeRequestHeadersInCheck?: readonly string[];
  readonly includeAdditionalHeadersInCheck?: Readonly<Record<string, string>>;
  readonly includeRequestBodyInCheck?: {
    readonly maxRequestBytes: number;
    readonly allowPartialMessage: boolean;
    readonly packAsBytes: boolean;
  };
  readonly headersToUpstreamOnAllow?: readonly string[];
  readonly headersToDownstreamOnDeny?: readonly string[];
  readonly headersToDownstreamOnAllow?: readonly string[];
}

/** One issuer of end-user tokens (istio/api `security/v1beta1/request_authentication.proto`). */
export interface JwtRule {
  readonly issuer: string;
  readonly audiences?: readonly string[];
  readonly jwksUri?: string;
  readonly jwks?: string;
  readonly fromHeaders?: readonly { readonly name: string; readonly prefix?: string }[];
  readonly fromParams?: readonly string[];
  readonly fromCookies?: readonly string[];
  readonly outputPayloadToHeader?: string;
  readonly forwardOriginalToken: boolean;
  readonly outputClaimToHeaders?: readonly { readonly header: string; readonly claim: string }[];
  readonly timeoutMs: number;
  readonly spaceDelimitedClaims?: readonly string[];
}

/** Which service tokens a workload takes, and what their scopes allow. */
export interface ServiceTokenPolicy {
  readonly kind: 'ServiceTokenPolicy';
}

/** What holds for the whole mesh, from the MeshConfig of its root namespace. */
export interface MeshSettings {
  /** Former names of the trust domain. */
  readonly trustDomainAliases: readonly string[];
  readonly pathNormalization: PathNormalization;
  /** How many proxies before the first workload are believed about the client's address. */
  readonly numTrustedProxies: number;
  /** External authorizers by name. */
  readonly providers: ReadonlyMap<string, ExtAuthzProvider>;
}

const DEFAULT_SETTINGS: MeshSettings = {
  trustDomainAliases: [],
  pathNormalization: 'BASE',
  numTrustedProxies: 0,
  providers: new Map(),
};

/** The settings among a mesh's resources; defaults where there are none. */
export function meshSettingsOf(_resources: readonly Resource[], _rootNamespace: string): MeshSettings {
  return DEFAULT_SETTINGS;
}
