import type { Cursor } from '../cursor.ts';

const MAX_URI = 2048;
/** Members that only a private or secret key has (RFC 7518 §6.2.2, §6.3.2, §6.4.1). */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const;
const URI = /^https?:\/\/(?:\[[0-9A-Fa-f:.]+\]|[^\s/:?#@[\]]+)(?::(\d+))?(?:[/?#]\S*)?$/i;
const MAX_PORT = 65_535;

/** What is wrong with the address of a key set; undefined when nothing is. */
export function jwksUriProblem(text: string): string | undefined {
  if (text.length > MAX_URI) return `must be at most ${MAX_URI} characters long`;
  if (!/^https?:\/\//i.test(text)) return 'must be a URL that starts with https:// or http://';
  const match = URI.exec(text);
  if (match === null) return 'must be a URL such as https://issuer.example/jwks.json, without user name or spaces';
  const port = match[1] === undefined ? undefined : Number(match[1]);
  if (port !== undefined && (port < 1 || port > MAX_PORT)) return `must name a port from 1 to ${MAX_PORT}`;
  return undefined;
}

/** What is wrong with a key set written in a document; undefined when nothing is. Keys are never repeated in the answer. */
export function jwksProblem(text: string): string | undefined {
  const keys = keysOf(text);
  if (keys === undefined) return 'must be a JSON Web Key Set: {"keys": [...]} (RFC 7517)';
  if (keys.length === 0) return 'must hold at least one key';
  const bad = keys.findIndex((key) => typeof asObject(key)?.['kty'] !== 'string');
  return bad === -1 ? undefined : `key ${bad} is no JSON Web Key: it has no "kty"`;
}

/** A policy is read by many; a private key in it is not private any more. */
export function warnOfPrivateKeys(at: Cursor, jwks: string): void {
  const keys = (keysOf(jwks) ?? []).map(asObject);
  const exposed = keys.findIndex(
    (key) => key !== undefined && PRIVATE_MEMBERS.some((name) => Object.hasOwn(key, name)),
  );
  if (exposed !== -1) {
    at.warning(
      `key ${exposed} is private: everyone who can read this resource can sign tokens; give the public key only`,
    );
  }
}

/** The keys of a set, or a single key that stands alone; undefined for any other text. */
function keysOf(text: string): readonly unknown[] | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const object = asObject(json);
  if (object === undefined) return undefined;
  const keys: unknown = object['keys'];
  if (Array.isArray(keys)) return keys as readonly unknown[];
  return Object.hasOwn(object, 'kty') ? [object] : undefined;
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}
