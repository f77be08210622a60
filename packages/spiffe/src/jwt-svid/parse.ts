import { ok, parseJsonObject, type Result, SpiffeId } from '@rampart/core';
import { isJwtSvidAlgorithm, type JwtSvidAlgorithm } from './algorithms.ts';
import { type JwtSvidProblem, refuse } from './problem.ts';

/** A JWT-SVID's statements. Whether they are true `verifyJwtSvid` says. */
export interface JwtSvid {
  readonly spiffeId: SpiffeId;
  /** At least one. */
  readonly audience: readonly string[];
  /** Unix milliseconds. */
  readonly expiresAt: number;
  readonly notBefore: number | undefined;
  readonly issuedAt: number | undefined;
  /** `jti` */
  readonly id: string | undefined;
  /** `iss` */
  readonly issuer: string | undefined;
  /** `kid` */
  readonly keyId: string | undefined;
  readonly algorithm: JwtSvidAlgorithm;
  /** All claims as they stand in the token. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Characters; more than Node takes in all headers of a request by default. */
const MAX_TOKEN = 16_384;
const BASE64URL = /^[A-Za-z0-9_-]+$/;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const HEADERS: ReadonlySet<string> = new Set(['alg', 'kid', 'typ']);

/**
 * Reads a token by the JWT-SVID profile (JWT-SVID.md §2 and §3): JWS compact serialization; a header of `alg`, `kid` and `typ`
 * and nothing else; `sub` a SPIFFE ID, `aud` with at least one value, `exp`. Believes nothing of it yet.
 */
export function parseJwtSvid(token: string): Result<JwtSvid, JwtSvidProblem> {
  if (token.length > MAX_TOKEN) return refuse('MALFORMED', `the token has more than ${MAX_TOKEN} characters`);
  const parts = token.split('.');
  const [header, payload] = parts.slice(0, 2).map(decodeText);
  if (parts.length !== 3 || header === undefined || payload === undefined || decode(parts[2]) === undefined) {
    return refuse(
      'MALFORMED',
      'the token is not three base64url parts, UTF-8 in the first two, with dots between them',
    );
  }
  const head = readHeader(header);
  if (!head.ok) return head;
  const body = readClaims(payload);
  return body.ok ? ok({ ...head.value, ...body.value }) : body;
}

function readHeader(text: string): Result<Pick<JwtSvid, 'algorithm' | 'keyId'>, JwtSvidProblem> {
  const header = parseJsonObject(text);
  if (!header.ok) return refuse('MALFORMED', `the header ${header.problem}`);
  const { alg, kid, typ } = header.value;
  if (!isJwtSvidAlgorithm(alg))
    return refuse('BAD_ALGORITHM', 'the header "alg" is none that a JWT-SVID may be signed with');
  if (typ !== undefined && typ !== 'JWT' && typ !== 'JOSE')
    return refuse('BAD_HEADER', 'the header "typ" is neither JWT nor JOSE');
  if (kid !== undefined && (typeof kid !== 'string' || kid === ''))
    return refuse('BAD_HEADER', 'the header "kid" is not a text');
  const strange = Object.keys(header.value).find((name) => !HEADERS.has(name));
  if (strange !== undefined)
    return refuse('BAD_HEADER', `the header ${JSON.stringify(strange)} has no place in a JWT-SVID`);
  return ok({ algorithm: alg, keyId: kid });
}

function readClaims(text: string): Result<Omit<JwtSvid, 'algorithm' | 'keyId'>, JwtSvidProblem> {
  const payload = parseJsonObject(text);
  if (!payload.ok) return refuse('MALFORMED', `the payload ${payload.problem}`);
  const claims = payload.value;
  const { sub, aud, exp, jti, iss } = claims;
  const spiffeId = typeof sub === 'string' ? SpiffeId.parse(sub) : undefined;
  if (spiffeId === undefined || !spiffeId.ok) {
    return refuse(
      'NOT_A_SPIFFE_ID',
      `the claim "sub" is not a SPIFFE ID${spiffeId === undefined ? '' : `: ${spiffeId.problem}`}`,
    );
  }
  const audience = typeof aud === 'string' ? [aud] : aud;
  if (!isTextList(audience)) return refuse('NO_AUDIENCE', 'the claim "aud" names no audience');
  if (!isDate(exp)) return refuse('NO_EXPIRY', 'the claim "exp" is missing or not a time');
  const strange = (['nbf', 'iat'] as const).find((name) => claims[name] !== undefined && !isDate(claims[name]));
  if (strange !== undefined) return refuse('BAD_CLAIM', `the claim "${strange}" is not a time`);
  if (!isOptionalText(jti) || !isOptionalText(iss))
    return refuse('BAD_CLAIM', 'the claim "jti" or "iss" is not a text');
  const times = {
    expiresAt: exp * 1000,
    notBefore: toMilliseconds(claims['nbf']),
    issuedAt: toMilliseconds(claims['iat']),
  };
  return ok({ spiffeId: spiffeId.value, audience, ...times, id: jti, issuer: iss, claims });
}

/** RFC 7519 §2 NumericDate: seconds, fractions allowed. */
function isDate(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function toMilliseconds(value: unknown): number | undefined {
  return typeof value === 'number' ? value * 1000 : undefined;
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string' && item !== '');
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

/** The JSON text of a part; undefined unless it is well-formed UTF-8 in its one base64url form. */
function decodeText(part: string | undefined): string | undefined {
  const bytes = decode(part);
  try {
    return bytes === undefined ? undefined : utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Undefined unless the text is the one base64url form of what it says. */
function decode(part: string | undefined): Uint8Array | undefined {
  if (part === undefined || !BASE64URL.test(part)) return undefined;
  const bytes = Buffer.from(part, 'base64url');
  return bytes.toString('base64url') === part ? bytes : undefined;
}
