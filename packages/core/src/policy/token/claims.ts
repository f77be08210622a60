import { fail, ok, type Result } from '../../result.ts';
import type { TokenProblem } from './token-problem.ts';

/** What a token says of itself (RFC 7519 §4); that it is genuine is somebody else's to find out. */
export type TokenClaims = Readonly<Record<string, unknown>>;

/** The claims that every rule about tokens asks for, each of the type that RFC 7519 §4.1 gives it. */
export interface TokenContent {
  /** "" when the token has none. */
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
  /** Seconds since 1970. */
  readonly expiresAt: number | undefined;
  readonly notBefore: number | undefined;
  readonly claims: TokenClaims;
}

/** Reads claims strictly: one of another type than RFC 7519 gives it makes the token none at all, as with Envoy. */
export function readClaims(claims: TokenClaims): Result<TokenContent, TokenProblem> {
  const { iss = '', sub = '', aud = [], exp, nbf, iat } = claims;
  if (typeof iss !== 'string') return fail('Jwt payload [iss] field is not a string');
  if (typeof sub !== 'string') return fail('Jwt payload [sub] field is not a string');
  const audiences = typeof aud === 'string' ? [aud] : aud;
  if (!isTextList(audiences)) return fail('Jwt payload [aud] field is not a string or string list');
  if (!isDate(exp)) return fail('Jwt payload [exp] field is not an integer');
  if (!isDate(nbf)) return fail('Jwt payload [nbf] field is not an integer');
  if (!isDate(iat)) return fail('Jwt payload [iat] field is not an integer');
  return ok({ issuer: iss, subject: sub, audiences, expiresAt: exp, notBefore: nbf, claims });
}

/** What a list-valued claim such as `scope` holds: a JSON list of texts, or one text with spaces between (RFC 8693 §4.2). */
export function listOf(claim: unknown): readonly string[] {
  if (typeof claim === 'string') return claim.split(' ').filter((item) => item !== '');
  return Array.isArray(claim) ? claim.filter((item) => typeof item === 'string') : [];
}

/** RFC 7519 NumericDate; absent is fine. */
function isDate(value: unknown): value is number | undefined {
  return value === undefined || (typeof value === 'number' && Number.isFinite(value) && value >= 0);
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
