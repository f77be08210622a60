import { fail, ok, type Result } from '../../result.ts';
import { keyShape, type SignatureAlgorithm } from './algorithms.ts';
import { parseJsonObject } from './json-object.ts';

const MAX_KEYS = 256;
/** A token without `kid` is tried with each key that fits; more than this would be work for nothing. */
const MAX_CANDIDATES = 16;

/** What makes a public key, by type; everything else in a key is left out, above all its private part. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
  oct: ['k'],
};

/** One key of an issuer that may have signed tokens (RFC 7517 §4). */
export interface TokenKey {
  readonly keyId: string | undefined;
  /** The one algorithm that it is for, where the key says so. */
  readonly algorithm: string | undefined;
  /** Type and public members: a JSON Web Key without anything else. */
  readonly parts: Readonly<Record<string, string>>;
}

/**
 * Reads a set (RFC 7517 §5), or a key that stands alone. Keys that cannot verify signatures are left out, as RFC 7517 §5
 * asks. Secrets count only where nobody can fetch them.
 */
export function readTokenKeys(
  text: string,
  { secrets }: { readonly secrets: boolean },
): Result<readonly TokenKey[], string> {
  const object = parseJsonObject(text);
  if (!object.ok) return fail(`the key set ${object.problem}`);
  const keys = object.value['kty'] === undefined ? object.value['keys'] : [object.value];
  if (!Array.isArray(keys)) return fail('the key set has no list of keys');
  if (keys.length > MAX_KEYS) return fail(`the key set has more than ${MAX_KEYS} keys`);
  const readable = keys.flatMap((key: unknown) => readKey(key, secrets) ?? []);
  return readable.length === 0 ? fail('the key set has no key that verifies signatures') : ok(readable);
}

/** The keys that a token may have been signed with: of its algorithm, and of its `kid` where both have one. */
export function candidateKeys<Key extends TokenKey>(
  keys: readonly Key[],
  { algorithm, keyId }: { readonly algorithm: SignatureAlgorithm; readonly keyId: string | undefined },
): readonly Key[] {
  const { type, curve } = keyShape(algorithm);
  const fits = (key: Key): boolean =>
    key.parts['kty'] === type &&
    (curve === undefined || key.parts['crv'] === curve) &&
    (key.algorithm === undefined || key.algorithm === algorithm) &&
    (keyId === undefined || key.keyId === undefined || keyId === key.keyId);
  return keys.filter(fits).slice(0, MAX_CANDIDATES);
}

function readKey(value: unknown, secrets: boolean): TokenKey | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { kty, kid, alg, use, key_ops: operations } = value as Readonly<Record<string, unknown>>;
  if (typeof kty !== 'string' || (kty === 'oct' && !secrets)) return undefined;
  if (use !== undefined && use !== 'sig') return undefined;
  if (Array.isArray(operations) && !operations.includes('verify')) return undefined;
  const parts = publicParts(value, kty);
  return parts && { keyId: textOf(kid), algorithm: textOf(alg), parts };
}

function publicParts(key: object, type: string): Readonly<Record<string, string>> | undefined {
  const members = Object.hasOwn(MEMBERS, type) ? MEMBERS[type] : undefined;
  if (members === undefined) return undefined;
  const parts: Record<string, string> = { kty: type };
  for (const name of members) {
    const part: unknown = Reflect.get(key, name);
    if (typeof part !== 'string') return undefined;
    parts[name] = part;
  }
  return parts;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
