import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { fail, ok, parseJsonObject, type Result, TrustDomain } from '@rampart/core';
import { type ParsedCertificate, parseCertificate } from '../certificate/parsed-certificate.ts';
import { readPublicJwk } from './public-jwk.ts';
import { type JwtAuthority, rootProblem, type TrustBundle } from './trust-bundle.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/** Characters. A bundle holds a handful of keys, a map some hundred bundles. */
const MAX_BUNDLE = 1024 * 1024;
const MAX_MAP = 16 * MAX_BUNDLE;
const MAX_KEYS = 256;
/** `spiffe_sequence` is an unsigned 64-bit integer. */
const SEQUENCES = 2 ** 64;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * Reads a SPIFFE bundle document. Keys of unknown type or use are passed over, as are certificates that cannot vouch for this
 * trust domain and keys that cannot verify: trust is never wider for them. What contradicts itself (a member named twice, a
 * certificate that is not of its key, two keys of one `kid`) makes the whole document unreadable.
 */
export function parseBundleJson(trustDomain: TrustDomain, text: string): Result<TrustBundle, string> {
  if (text.length > MAX_BUNDLE) return fail(`the bundle has more than ${MAX_BUNDLE} characters`);
  const document = parseJsonObject(text);
  return document.ok ? readBundle(trustDomain, document.value) : fail(`the bundle ${document.problem}`);
}

/**
 * Reads a bundle map (§5) by the names of its trust domains. It is taken whole or not at all; a trust domain that appears twice
 * makes it unreadable. Refresh hints of its bundles are left out, for a map has one source.
 */
export function parseBundleMap(text: string): Result<ReadonlyMap<string, TrustBundle>, string> {
  if (text.length > MAX_MAP) return fail(`the bundle map has more than ${MAX_MAP} characters`);
  const document = parseJsonObject(text);
  if (!document.ok) return fail(`the bundle map ${document.problem}`);
  const domains = document.value['trust_domains'];
  if (!isObject(domains)) return fail('the bundle map has no object "trust_domains"');
  const bundles = new Map<string, TrustBundle>();
  for (const [name, value] of Object.entries(domains)) {
    const trustDomain = TrustDomain.parse(name);
    if (!trustDomain.ok) return trustDomain;
    const bundle = isObject(value) ? readBundle(trustDomain.value, value) : fail('the bundle is not a JSON object');
    if (!bundle.ok) return fail(`trust domain ${name}: ${bundle.problem}`);
    const { refreshHintSeconds: _, ...kept } = bundle.value;
    bundles.set(name, kept);
  }
  return ok(bundles);
}

function readBundle(trustDomain: TrustDomain, document: JsonObject): Result<TrustBundle, string> {
  const { keys, spiffe_sequence: sequence = 0, spiffe_refresh_hint: hint } = document;
  if (!isCount(sequence, SEQUENCES)) return fail('spiffe_sequence is not an integer of 64 bits');
  if (hint !== undefined && !isCount(hint, Number.MAX_SAFE_INTEGER)) {
    return fail('spiffe_refresh_hint is not a number of whole seconds');
  }
  if (!Array.isArray(keys)) return fail('the bundle has no list "keys"');
  if (keys.length > MAX_KEYS) return fail(`the bundle has more than ${MAX_KEYS} keys`);
  const read = readKeys(trustDomain, keys);
  if (!read.ok) return read;
  return ok({ trustDomain, ...read.value, sequence, ...(hint === undefined ? {} : { refreshHintSeconds: hint }) });
}

function readKeys(
  trustDomain: TrustDomain,
  keys: readonly unknown[],
): Result<Pick<TrustBundle, 'roots' | 'jwtAuthorities'>, string> {
  const roots: Uint8Array[] = [];
  const jwtAuthorities = new Map<string, JwtAuthority>();
  for (const [index, key] of keys.entries()) {
    const where = `keys[${index}]`;
    if (!isObject(key)) return fail(`${where} is not a JSON object`);
    if (key['use'] === 'x509-svid') {
      const root = readRoot(key);
      if (!root.ok) return fail(`${where}${root.problem}`);
      if (root.value !== undefined && rootProblem(root.value, trustDomain) === undefined) roots.push(root.value);
    }
    if (key['use'] === 'jwt-svid') {
      const authority = readAuthority(key);
      if (authority === undefined) continue;
      if (jwtAuthorities.has(authority.keyId)) return fail(`${where}.kid is that of another key`);
      jwtAuthorities.set(authority.keyId, authority);
    }
  }
  return ok({ roots, jwtAuthorities: [...jwtAuthorities.values()] });
}

/** The first of `x5c`; undefined when there is none (X509-SVID.md §6.2: the entry is ignored). */
function readRoot(key: JsonObject): Result<Uint8Array | undefined, string> {
  const { x5c = [] } = key;
  if (!Array.isArray(x5c)) return fail('.x5c is not a list');
  const first: unknown = x5c[0];
  if (first === undefined || !isKnownType(key['kty'])) return ok(undefined);
  if (typeof first !== 'string' || !BASE64.test(first)) return fail('.x5c[0] is not base64');
  const der = new Uint8Array(Buffer.from(first, 'base64'));
  const certificate = parseCertificate(der);
  if (!certificate.ok) return fail(`.x5c[0] is not a certificate: ${certificate.problem}`);
  return isKeyOf(certificate.value, key) ? ok(der) : fail('.x5c[0] is a certificate of another key');
}

function readAuthority(key: JsonObject): JwtAuthority | undefined {
  const keyId = key['kid'];
  const jwk = readPublicJwk(key);
  return typeof keyId === 'string' && keyId !== '' && jwk !== undefined ? { keyId, jwk } : undefined;
}

/** RFC 7517 §4.7: the key in the first certificate must be the key of the entry. */
function isKeyOf({ publicKey }: ParsedCertificate, key: JsonObject): boolean {
  const { kty, crv, x, y, n, e } = key;
  try {
    const named = createPublicKey({ key: { kty, crv, x, y, n, e } as JsonWebKey, format: 'jwk' });
    return named.equals(createPublicKey({ key: Buffer.from(publicKey.der), format: 'der', type: 'spki' }));
  } catch {
    return false;
  }
}

function isKnownType(kty: unknown): boolean {
  return kty === 'EC' || kty === 'RSA' || kty === 'OKP';
}

function isCount(value: unknown, limit: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < limit;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
