import { fail, ok, RampartError, type Result } from '@rampart/core';
import type { RegistryIdentity } from '../admission/identity.ts';

/** What a request carries that says who makes it. */
export interface Credentials {
  /** Value of the header Authorization; undefined when there is none. */
  readonly authorization?: string | undefined;
  /** Judges the client certificate of the connection; undefined when there is none. */
  readonly certificate?: (() => Result<RegistryIdentity, CertificateProblem>) | undefined;
}

export interface CertificateProblem {
  /** Why the certificate counts for nothing, for the record. */
  readonly reason: string;
  /** SPIFFE ID that it claims, where it can be read. */
  readonly claimed?: string;
}

/** Knows whose a bearer token is. */
export interface TokenService {
  /** Undefined for a token that nobody was given, or that has ended. */
  validate(token: string): RegistryIdentity | undefined | Promise<RegistryIdentity | undefined>;
}

export interface AuthenticationOptions {
  readonly tokens: TokenService;
  /** Whether callers without any credentials are let in. */
  readonly allowAnonymous: boolean;
}

/** Why a request is answered with 401. */
export interface AuthenticationFailure {
  /** "Invalid token", "Invalid certificate" or "Authentication required". */
  readonly error: RampartError;
  /** For the record. */
  readonly reason: string;
  /** Identity that was attempted, as far as that is known; "" otherwise. */
  readonly attempted: string;
}

export type Authenticated = Result<RegistryIdentity, AuthenticationFailure>;

const BEARER = /^Bearer +([\w.~+/-]+=*)$/i;
const ANONYMOUS: RegistryIdentity = { kind: 'anonymous' };

/** AuthenticateRequest, at once where the token's holder is known at once: a bearer token counts first, then the client certificate, then whether anonymous callers are let in. */
export function authenticateRequest(
  { authorization, certificate }: Credentials,
  { tokens, allowAnonymous }: AuthenticationOptions,
): Authenticated | Promise<Authenticated> {
  if (authorization !== undefined) {
    const token = BEARER.exec(authorization)?.[1];
    if (token === undefined) return refused('Invalid token', 'no bearer token in the header');
    const identity = tokens.validate(token);
    return identity instanceof Promise ? identity.then(ofToken) : ofToken(identity);
  }
  if (certificate !== undefined) {
    const verified = certificate();
    if (verified.ok) return verified;
    const { reason, claimed = '' } = verified.problem;
    return refused('Invalid certificate', reason, claimed);
  }
  return allowAnonymous ? ok(ANONYMOUS) : refused('Authentication required', 'no credentials');
}

function ofToken(identity: RegistryIdentity | undefined): Authenticated {
  return identity === undefined ? refused('Invalid token', 'unknown or ended token') : ok(identity);
}

function refused(message: string, reason: string, attempted = ''): Result<never, AuthenticationFailure> {
  return fail({ error: new RampartError('UNAUTHENTICATED', message, { detail: reason }), reason, attempted });
}
