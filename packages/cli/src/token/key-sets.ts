import type { JSONWebKeySet } from 'jose';

/** Where the keys of an issuer are (istio/api `security/v1beta1/request_authentication.proto`). */
export interface KeyPlace {
  readonly issuer: string;
  readonly jwks?: string;
  readonly jwksUri?: string;
  readonly timeoutMs: number;
}

/** Keys, or why there are none. */
export type KeysFound = { readonly keys: JSONWebKeySet } | { readonly problem: string };

const LARGEST_DOCUMENT = 1_048_576;

/** The keys that stand in a rule, at its address, or where the issuer's discovery document (OpenID Connect) says they are. */
export async function findKeys({ issuer, jwks, jwksUri, timeoutMs }: KeyPlace): Promise<KeysFound> {
  if (jwks !== undefined) return keySetOf(parsed(jwks), 'the jwks of the rule');
  const uri = jwksUri ?? (await discovered(issuer, timeoutMs));
  if (uri === undefined) return { problem: `${issuer} does not say where its keys are` };
  const document = await fetchJson(uri, timeoutMs);
  return 'problem' in document ? document : keySetOf(document.value, uri);
}

async function discovered(issuer: string, timeoutMs: number): Promise<string | undefined> {
  const document = await fetchJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, timeoutMs);
  const value = 'problem' in document ? undefined : document.value;
  const uri: unknown = typeof value === 'object' && value !== null && 'jwks_uri' in value ? value.jwks_uri : undefined;
  return typeof uri === 'string' ? uri : undefined;
}

type Fetched = { readonly value: unknown } | { readonly problem: string };

async function fetchJson(uri: string, timeoutMs: number): Promise<Fetched> {
  if (!URL.canParse(uri) || !/^https?:$/.test(new URL(uri).protocol))
    return { problem: 'its address is no http or https URL' };
  try {
    const response = await fetch(uri, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
    if (!response.ok) return { problem: `${uri} answered ${response.status}` };
    const text = await response.text();
    const value = text.length > LARGEST_DOCUMENT ? undefined : parsed(text);
    return value === undefined ? { problem: `${uri} is no JSON of at most 1 MiB` } : { value };
  } catch {
    return { problem: `${uri} cannot be reached from here` };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function keySetOf(value: unknown, place: string): KeysFound {
  if (typeof value !== 'object' || value === null) return { problem: `${place} holds no keys` };
  if ('kty' in value) return { keys: { keys: [value as JSONWebKeySet['keys'][number]] } };
  if (!('keys' in value) || !Array.isArray(value.keys)) return { problem: `${place} holds no keys` };
  return { keys: { keys: value.keys as JSONWebKeySet['keys'] } };
}
