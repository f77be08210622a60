import { fail, ok } from '@rampart/core';
import type { Result } from '@rampart/core';

import { isSignatureAlgorithm } from '../keys/algorithms.ts';
import type { SignatureAlgorithm } from '../keys/algorithms.ts';
import { parseJsonObject } from './json-object.ts';
import type { TokenProblem } from './refusal.ts';

/** A JSON Web Token (RFC 7519) that has been read and not yet believed. */
export interface ParsedToken {
  readonly text: string;
  readonly algorithm: SignatureAlgorithm;
  readonly keyId: string | undefined;
  /** "" when the token has none. */
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
  /** Seconds since 1970. */
  readonly expiresAt: number | undefined;
  readonly notBefore: number | undefined;
  readonly claims: Readonly<Record<string, unknown>>;
  /** The payload as it stands in the token: base64url without padding. */
  readonly payload: string;
}

/** Characters; more than Node takes in all headers of a request by default. */
export const MAX_TOKEN_LENGTH = 16_384;

const BASE64URL = /^[A-Za-z0-9_-]+$/;

/** Signed statements that are no credentials of a caller, though the same issuer signs them (RFC 8725 §3.11). */
const OTHER_KINDS: ReadonlySet<string> = new Set(['dpop+jwt', 'logout+jwt', 'secevent+jwt']);

/**
 * Reads a token in JWS compact serialization (RFC 7515 §3.1) strictly: one encoding for each value, nothing in it that
 * two readers could understand differently. Where a key comes from is never read from the token.
 */
export function parseToken(text: string): Result<ParsedToken, TokenProblem> {
  if (text.length > MAX_TOKEN_LENGTH) return fail('Jwt is too large');
  const [header, payload, signature, ...more] = text.split('.');
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0)
    return fail('Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections');
  const head = readHeader(header);
  if (!head.ok) return head;
  const body = readPayload(payload);
  if (!body.ok) return body;
  if (decode(signature) === undefined) return fail('Jwt signature is an invalid Base64url encoded');
  return ok({ text, payload, ...head.value, ...body.value });
}

function readHeader(part: string): Result<Pick<ParsedToken, 'algorithm' | 'keyId'>, TokenProblem> {
  const bytes = decode(part);
  if (bytes === undefined) return fail('Jwt header is an invalid Base64url encoded');
  const object = parseJsonObject(bytes);
  if (!object.ok) return fail('Jwt header is an invalid JSON');
  const { alg, kid, crit, typ } = object.value;
  if (typeof alg !== 'string') return fail('Jwt header [alg] field is required and must be a string');
  if (!isSignatureAlgorithm(alg)) return fail('Jwt header [alg] is not supported');
  if (kid !== undefined && typeof kid !== 'string') return fail('Jwt header [kid] field is not a string');
  if (crit !== undefined) return fail('Jwt header [crit] is not supported');
  if (typeof typ === 'string' && OTHER_KINDS.has(typ.toLowerCase().replace('application/', '')))
    return fail('Jwt header [typ] is that of another kind of token');
  return ok({ algorithm: alg, keyId: kid });
}

type Payload = Omit<ParsedToken, 'text' | 'payload' | 'algorithm' | 'keyId'>;

function readPayload(part: string): Result<Payload, TokenProblem> {
  const bytes = decode(part);
  if (bytes === undefined) return fail('Jwt payload is an invalid Base64url encoded');
  const object = parseJsonObject(bytes);
  if (!object.ok) return fail('Jwt payload is an invalid JSON');
  const claims = object.value;
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

/** RFC 7519 NumericDate; absent is fine. */
function isDate(value: unknown): value is number | undefined {
  return value === undefined || (typeof value === 'number' && Number.isFinite(value) && value >= 0);
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** Undefined unless the text is the one base64url form of what it says. */
function decode(part: string): Buffer | undefined {
  if (!BASE64URL.test(part)) return undefined;
  const bytes = Buffer.from(part, 'base64url');
  return bytes.toString('base64url') === part ? bytes : undefined;
}
