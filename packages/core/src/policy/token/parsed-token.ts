import { fail, ok, type Result } from '../../result.ts';
import { isSignatureAlgorithm, type SignatureAlgorithm } from './algorithms.ts';
import { readClaims, type TokenContent } from './claims.ts';
import { parseJsonObject } from './json-object.ts';
import type { TokenProblem } from './token-problem.ts';

/** A JSON Web Token (RFC 7519) that has been read and not yet believed. */
export interface ParsedToken extends TokenContent {
  readonly text: string;
  readonly algorithm: SignatureAlgorithm;
  readonly keyId: string | undefined;
  /** The payload as it stands in the token: base64url without padding. */
  readonly payload: string;
}

/** What a reader of tokens needs and a language without a standard library of its own does not have. */
export interface TokenDecoder {
  /** The bytes that a text is the base64url form of, with or without errors in it (RFC 4648 §5). */
  fromBase64Url(text: string): Uint8Array;
  toBase64Url(bytes: Uint8Array): string;
  /** A text by its UTF-8 bytes, a byte order mark included; throws where they are none. */
  fromUtf8(bytes: Uint8Array): string;
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
export function readToken(text: string, decoder: TokenDecoder): Result<ParsedToken, TokenProblem> {
  if (text.length > MAX_TOKEN_LENGTH) return fail('Jwt is too large');
  const [header, payload, signature, ...more] = text.split('.');
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0)
    return fail('Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections');
  const headerBytes = decoded(header, decoder);
  if (headerBytes === undefined) return fail('Jwt header is an invalid Base64url encoded');
  const head = readHeader(headerBytes, decoder);
  if (!head.ok) return head;
  const payloadBytes = decoded(payload, decoder);
  if (payloadBytes === undefined) return fail('Jwt payload is an invalid Base64url encoded');
  const claims = objectOf(payloadBytes, decoder);
  if (claims === undefined) return fail('Jwt payload is an invalid JSON');
  const content = readClaims(claims);
  if (!content.ok) return content;
  if (decoded(signature, decoder) === undefined) return fail('Jwt signature is an invalid Base64url encoded');
  return ok({ text, payload, ...head.value, ...content.value });
}

type Head = Pick<ParsedToken, 'algorithm' | 'keyId'>;

function readHeader(bytes: Uint8Array, decoder: TokenDecoder): Result<Head, TokenProblem> {
  const object = objectOf(bytes, decoder);
  if (object === undefined) return fail('Jwt header is an invalid JSON');
  const { alg, kid, crit, typ } = object;
  if (typeof alg !== 'string') return fail('Jwt header [alg] field is required and must be a string');
  if (!isSignatureAlgorithm(alg)) return fail('Jwt header [alg] is not supported');
  if (kid !== undefined && typeof kid !== 'string') return fail('Jwt header [kid] field is not a string');
  if (crit !== undefined) return fail('Jwt header [crit] is not supported');
  if (typeof typ === 'string' && OTHER_KINDS.has(typ.toLowerCase().replace('application/', '')))
    return fail('Jwt header [typ] is that of another kind of token');
  return ok({ algorithm: alg, keyId: kid });
}

/** Undefined unless the text is the one base64url form of what it says. */
function decoded(part: string, decoder: TokenDecoder): Uint8Array | undefined {
  if (!BASE64URL.test(part)) return undefined;
  const bytes = decoder.fromBase64Url(part);
  return decoder.toBase64Url(bytes) === part ? bytes : undefined;
}

function objectOf(bytes: Uint8Array, decoder: TokenDecoder): Readonly<Record<string, unknown>> | undefined {
  let text: string;
  try {
    text = decoder.fromUtf8(bytes);
  } catch {
    return undefined;
  }
  const object = parseJsonObject(text);
  return object.ok ? object.value : undefined;
}
