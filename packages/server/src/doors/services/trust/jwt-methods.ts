import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { Authority, Federation, JwtKeyRecord } from '@rampart/authority';
import { type Clock, RampartError, SpiffeId, type TrustDomain } from '@rampart/core';
import { algorithmOf, type JwtAuthority, toPublicJwk, verifyJwtSvid } from '@rampart/spiffe';
import type { TrustService } from '@rampart/wire';
import { SERVER_ACCOUNT } from '../../../resources/issuability.ts';
import type { OwnTrust } from '../../../trust/own-trust.ts';
import { operatorOf } from '../admin/admin-parts.ts';

/** What the methods about trust are a window on. */
export interface TrustParts {
  readonly trust: OwnTrust;
  readonly federation: Federation;
  readonly authority: Pick<Authority, 'revocations'>;
  readonly clock: Clock;
  readonly rootNamespace: string;
}

type Methods<Name extends keyof ServiceImpl<typeof TrustService>> = Pick<ServiceImpl<typeof TrustService>, Name>;

/** JWT-SVIDs and the keys behind them. */
export function createJwtMethods(
  parts: TrustParts,
): Methods<'mintJwtSvid' | 'validateJwtSvid' | 'listJwtKeys' | 'rotateJwtKey' | 'revokeJwtKey'> {
  const { jwt } = parts.trust;
  return {
    mintJwtSvid: async ({ spiffeId, audiences, ttlSeconds }, context) => {
      const by = requesterOf(context);
      const id = SpiffeId.of(spiffeId);
      if (id.namespace === parts.rootNamespace && id.serviceAccount === SERVER_ACCOUNT) {
        throw new RampartError('PERMISSION_DENIED', `${spiffeId} is the control plane itself; choose another identity`);
      }
      if (parts.authority.revocations.isBarred(id)) {
        throw new RampartError(
          'PERMISSION_DENIED',
          `${spiffeId} is barred; lift that first: rampart revoke --lift ${spiffeId}`,
        );
      }
      const issued = await jwt.issue({
        spiffeId: id,
        audiences,
        issuedFrom: parts.authority.revocations.tokensValidFrom(id),
        ...by,
        ...(ttlSeconds === 0 ? {} : { ttlMs: ttlSeconds * 1000 }),
      });
      const times = { issuedAt: BigInt(issued.issuedAt), expiresAt: BigInt(issued.expiresAt) };
      return { token: issued.token, spiffeId: issued.spiffeId.toString(), ...times };
    },
    validateJwtSvid: async ({ token, audience }, context) => {
      operatorOf(context);
      if (audience === '') {
        throw new RampartError('INVALID_ARGUMENT', 'audience is missing: say whom the token is meant for');
      }
      const bundles = (trustDomain: TrustDomain): readonly JwtAuthority[] | undefined => keysOf(trustDomain, parts);
      const verified = await verifyJwtSvid(token, { bundles, audience, now: parts.clock.now() });
      if (!verified.ok) return { problem: verified.problem.code, message: verified.problem.message };
      const revocation = parts.authority.revocations.ofToken(verified.value);
      if (revocation !== undefined) return { problem: 'REVOKED', message: revocation };
      return { spiffeId: verified.value.spiffeId.toString(), claims: JSON.stringify(verified.value.claims) };
    },
    listJwtKeys: (_, context) => {
      operatorOf(context);
      return { keys: jwt.keys().map((key) => keyMessage(key, parts)) };
    },
    rotateJwtKey: async (_, context) => keyMessage(await jwt.rotate(requesterOf(context)), parts),
    revokeJwtKey: async ({ keyId }, context) => {
      const by = requesterOf(context);
      if (keyId === '') throw new RampartError('INVALID_ARGUMENT', 'key_id is missing: take it from the list of keys');
      return { revoked: await jwt.revoke(keyId, by) };
    },
  };
}

/** The keys of a trust domain's own bundle; undefined when it is neither this one nor federated. */
function keysOf(trustDomain: TrustDomain, { trust, federation }: TrustParts): readonly JwtAuthority[] | undefined {
  const own = trust.bundle();
  return (own.trustDomain.equals(trustDomain) ? own : federation.bundle(trustDomain))?.jwtAuthorities;
}

function requesterOf(context: HandlerContext): { readonly requestedBy: string; readonly sourceIp: string } {
  const { name, sourceIp } = operatorOf(context);
  return { requestedBy: name, sourceIp };
}

function keyMessage(
  key: JwtKeyRecord,
  { trust, clock }: TrustParts,
): Record<string, unknown> & { readonly keyId: string } {
  return {
    keyId: key.keyId,
    algorithm: algorithmOfKey(key),
    state: stateOf(key, { signing: trust.jwt.signingKeyId(), now: clock.now() }),
    createdAt: BigInt(key.createdAt),
    activeFrom: BigInt(key.activeFrom),
    notAfter: BigInt(key.notAfter),
  };
}

function algorithmOfKey({ publicKeyDer }: JwtKeyRecord): string {
  const jwk = toPublicJwk(publicKeyDer);
  return jwk === undefined ? '' : algorithmOf(jwk);
}

function stateOf(key: JwtKeyRecord, { signing, now }: { readonly signing: string; readonly now: number }): string {
  if (key.retiredAt !== undefined) return 'retired';
  if (key.keyId === signing) return 'active';
  return key.activeFrom > now ? 'prepared' : 'retiring';
}
