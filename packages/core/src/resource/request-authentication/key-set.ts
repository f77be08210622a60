import type { Cursor } from '../cursor.ts';

const MAX_URI = 2048;
const MAX_PORT = 65_535;
const URI = /^https?:\/\/(?:\[[0-9A-Fa-f:.]+\]|[^\s/:?#@[\]]+)(?::(\d+))?(?:[/?#]\S*)?$/i;
/** What a public key of each type must have (RFC 7518 §6, RFC 8037 §2). */
const MEMBERS: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['RSA', ['n', 'e']],
  ['EC', ['crv', 'x', 'y']],
  ['OKP', ['crv', 'x']],
  ['oct', ['k']],
]);
/** Members that only a private or secret key has (RFC 7518 §6.2.2, §6.3.2, §6.4.1). */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const;
const BASE64URL = /^[A-Za-z0-9_-]+$/;

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

/** A key set that stands in the document itself. Nothing of its keys is ever repeated in a message. */
export function readJwks(at: Cursor): string | undefined {
  const text = at.lines('a JSON Web Key Set as text');
  if (text === undefined) return undefined;
  const keys = keysOf(text);
  if (keys === undefined) return at.error('must be a JSON Web Key Set as text: {"keys": [...]} (RFC 7517)');
  for (const [index, key] of keys.entries()) {
    const problem = keyProblem(asObject(key));
    if (problem !== undefined) return at.error(`key ${index} is no JSON Web Key (RFC 7517): ${problem}`);
  }
  if (keys.length === 0) at.warning('holds no key: every token of this issuer is refused');
  warnOfPrivateKeys(at, keys);
  return text;
}

function keyProblem(key: Readonly<Record<string, unknown>> | undefined): string | undefined {
  if (key === undefined) return 'it must be an object';
  const { kty } = key;
  const members = MEMBERS.get(kty);
  if (members === undefined) return 'its "kty" must be RSA, EC, OKP or oct';
  const bad = members.find((name) => {
    const value = key[name];
    return typeof value !== 'string' || !(name === 'crv' || BASE64URL.test(value));
  });
  return bad === undefined ? undefined : `its "${bad}" is missing or not base64url`;
}

/** A policy is read by many; a private key in it is not private any more. */
function warnOfPrivateKeys(at: Cursor, keys: readonly unknown[]): void {
  const exposed = keys.findIndex((key) => PRIVATE_MEMBERS.some((name) => Object.hasOwn(asObject(key) ?? {}, name)));
  if (exposed !== -1) {
    at.warning(
      `key ${exposed} is private: everyone who can read this resource can sign tokens; give the public key only`,
    );
  }
}

/** The keys of a set, or a single key that stands alone; undefined for any other text. */
function keysOf(text: string): readonly unknown[] | undefined {
  const object = asObject(parseJson(text));
  if (object === undefined) return undefined;
  const keys: unknown = object['keys'];
  if (Array.isArray(keys)) return keys as readonly unknown[];
  return Object.hasOwn(object, 'kty') ? [object] : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}
