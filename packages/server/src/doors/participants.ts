import type { HandlerContext } from '@connectrpc/connect';
import { fail, isAgentId, ok, RampartError, type Result, type SpiffeId } from '@rampart/core';
import {
  type AuthenticationFailure,
  authenticateRequest,
  type CertificateProblem,
  type RegistryIdentity,
} from '@rampart/registry';
import type { TokenHolder } from '../registry/registry-tokens.ts';
import { type Caller, type Connection, connectionOf } from './caller.ts';

export interface ParticipantOptions {
  /** Whose a bearer token is; undefined for one that nobody was given, or that has ended. */
  holderOf(token: string): TokenHolder | undefined | Promise<TokenHolder | undefined>;
  /** Whether callers who prove nothing are let in. */
  allowsAnonymous(): boolean;
  /** Whether a registration entry makes whoever holds an identity an administrator. */
  isAdministrator(id: SpiffeId): boolean;
}

/** A participant of the registry who was not let in: 401 with the text of AuthenticateRequest. */
export class AuthenticationRefused extends RampartError {
  /** Identity that was attempted; "" where it is not known. */
  readonly attempted: string;

  constructor({ error, reason, attempted }: AuthenticationFailure) {
    super(error.code, error.message, { detail: reason });
    this.attempted = attempted;
  }
}

/** Who takes part in the registry: a bearer token counts first, then the certificate, then whether anonymous callers are let in. */
export async function admitParticipant(
  context: Pick<HandlerContext, 'values' | 'requestHeader'>,
  options: ParticipantOptions,
): Promise<Caller> {
  const connection = connectionOf(context);
  const authorization = context.requestHeader.get('authorization') ?? undefined;
  const verified = authorization === undefined ? verifiedCaller(connection, options) : undefined;
  let holder: TokenHolder | undefined;
  const admitted = await authenticateRequest(
    { authorization, certificate: verified === undefined ? undefined : () => identityOf(verified) },
    {
      allowAnonymous: options.allowsAnonymous(),
      tokens: { validate: async (token) => (holder = await options.holderOf(token))?.identity },
    },
  );
  if (!admitted.ok) throw new AuthenticationRefused(admitted.problem);
  if (verified?.ok === true) return verified.value;
  const identity = admitted.value;
  const { tokenId, until } = holder ?? {};
  const token = tokenId === undefined ? {} : { tokenId };
  if (identity.kind === 'operator') return { kind: 'admin', name: identity.name, role: 'admin', ...token };
  return { kind: 'participant', identity, ...token, ...(until === undefined ? {} : { until }) };
}

type Verified = Result<Extract<Caller, { readonly kind: 'workload' | 'admin' }>, CertificateProblem>;

/** Undefined without a certificate. */
function verifiedCaller(connection: Connection, { isAdministrator }: ParticipantOptions): Verified | undefined {
  const verified = connection.peer();
  if (!verified.ok) {
    return verified.problem.code === 'NO_CERTIFICATE' ? undefined : fail({ reason: verified.problem.message });
  }
  const { id } = verified.value;
  if (isAdministrator(id)) return ok({ kind: 'admin', name: id.toString(), role: 'admin' });
  if (isAgentId(id)) return fail({ reason: 'an agent takes no part in the registry', claimed: id.toString() });
  return ok({ kind: 'workload', peer: { ...verified.value, namespace: id.namespace ?? '' } });
}

/** What the certificate says; the service that it was attested for is looked up later. */
function identityOf(verified: Verified): Result<RegistryIdentity, CertificateProblem> {
  if (!verified.ok) return verified;
  const caller = verified.value;
  return ok(caller.kind === 'admin' ? { kind: 'operator', name: caller.name } : { kind: 'spiffe', id: caller.peer.id });
}
