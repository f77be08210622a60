import type { Authority, Federation } from '@rampart/authority';
import type { Clock, TrustDomain } from '@rampart/core';
import type { RegistryIdentity, TokenService } from '@rampart/registry';
import { type JwtAuthority, verifyJwtSvid } from '@rampart/spiffe';
import type { AdminTokens } from '../admin/admin-tokens.ts';
import type { ApiTokens } from '../admin/api-tokens/api-tokens.ts';
import type { Role } from '../admin/api-tokens/role.ts';
import type { OwnTrust } from '../trust/own-trust.ts';

export interface RegistryTokensOptions {
  readonly tokens: AdminTokens;
  readonly apiTokens: ApiTokens;
  readonly trust: OwnTrust;
  readonly federation: Federation;
  readonly authority: Pick<Authority, 'revocations' | 'identify'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** Whose a token is, and how long that holds. */
export interface TokenHolder {
  readonly identity: RegistryIdentity;
  /** Of a token of the API; its end ends the calls that are running with it. */
  readonly tokenId?: string;
  /** Of the same token. */
  readonly role?: Role;
  /** Unix milliseconds; absent for what has no end of its own. */
  readonly until?: number;
}

/** `aud` of JWT-SVIDs that are shown to the registry. */
const REGISTRY_AUDIENCE = 'rampart-registry';
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/**
 * Knows whose a bearer token is: operators' tokens, tokens of the API, JWT-SVIDs of this trust domain and federated ones, and tokens
 * of a cloud that an `Attestor` believes and that a registration entry makes exactly one identity.
 */
export class RegistryTokens implements TokenService {
  readonly #options: RegistryTokensOptions;

  constructor(options: RegistryTokensOptions) {
    this.#options = options;
  }

  async validate(token: string): Promise<RegistryIdentity | undefined> {
    return (await this.holderOf(token))?.identity;
  }

  /** At once for tokens of this control plane; undefined for one that nobody was given, or that has ended. */
  holderOf(token: string): TokenHolder | undefined | Promise<TokenHolder | undefined> {
    const { tokens, apiTokens } = this.#options;
    const operator = tokens.nameOf(token);
    if (operator !== undefined) return { identity: { kind: 'operator', name: operator } };
    const known = apiTokens.identify(token);
    if (known !== undefined) {
      const { id, name, role, teams } = known;
      return {
        tokenId: id,
        role,
        identity: role === 'admin' ? { kind: 'operator', name } : { kind: 'token', name, teams },
      };
    }
    return JWT.test(token) ? this.#ofJwt(token) : undefined;
  }

  async #ofJwt(token: string): Promise<TokenHolder | undefined> {
    return (await this.#ofJwtSvid(token)) ?? this.#ofCloud(token);
  }

  async #ofJwtSvid(token: string): Promise<TokenHolder | undefined> {
    const { authority, clock } = this.#options;
    const bundles = (trustDomain: TrustDomain): readonly JwtAuthority[] | undefined => this.#keysOf(trustDomain);
    const verified = await verifyJwtSvid(token, { bundles, audience: REGISTRY_AUDIENCE, now: clock.now() });
    if (!verified.ok || authority.revocations.ofToken(verified.value) !== undefined) return undefined;
    const { spiffeId: id, expiresAt: until } = verified.value;
    return { identity: { kind: 'spiffe', id, service: '' }, until };
  }

  async #ofCloud(token: string): Promise<TokenHolder | undefined> {
    const found = await this.#options.authority.identify({ kind: 'jwt', token });
    if (!found.ok) return undefined;
    const { spiffeId: id, workload } = found.value;
    if (this.#options.authority.revocations.isBarred(id)) return undefined;
    return { identity: { kind: 'spiffe', id, service: workload?.service ?? '' } };
  }

  #keysOf(trustDomain: TrustDomain): readonly JwtAuthority[] | undefined {
    const { trust, federation } = this.#options;
    const own = trust.bundle();
    return (own.trustDomain.equals(trustDomain) ? own : federation.bundle(trustDomain))?.jwtAuthorities;
  }
}
