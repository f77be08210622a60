import { fail, ok, parseJsonObject, readTokenKeys, type Result, type TokenKey } from '@rampart/core';

/** Where the keys of an issuer are (istio/api `security/v1beta1/request_authentication.proto`). */
export interface KeyPlace {
  readonly issuer: string;
  readonly jwks?: string;
  readonly jwksUri?: string;
  readonly timeoutMs: number;
}

/** As data planes take it. */
const LARGEST_DOCUMENT = 262_144;

/** The keys that stand in a rule, at its address, or where the issuer's discovery document (OpenID Connect) says they are. */
export async function findKeys({
  issuer,
  jwks,
  jwksUri,
  timeoutMs,
}: KeyPlace): Promise<Result<readonly TokenKey[], string>> {
  if (jwks !== undefined) return readTokenKeys(jwks, { secrets: true });
  const uri = jwksUri === undefined ? await discovered(issuer, timeoutMs) : ok(jwksUri);
  if (!uri.ok) return uri;
  const document = await fetchText(uri.value, timeoutMs);
  if (!document.ok) return document;
  const keys = readTokenKeys(document.value, { secrets: false });
  return keys.ok ? keys : fail(`${uri.value}: ${keys.problem}`);
}

/** OpenID Connect Discovery 1.0 §4.3: the document must name the very issuer it was asked of. */
async function discovered(issuer: string, timeoutMs: number): Promise<Result<string, string>> {
  const location = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const document = await fetchText(location, timeoutMs);
  if (!document.ok) return document;
  const object = parseJsonObject(document.value);
  const { issuer: named, jwks_uri: uri } = object.ok ? object.value : {};
  if (named !== issuer) return fail(`${location} is about another issuer`);
  const isDowngrade = location.startsWith('https:') && typeof uri === 'string' && !uri.startsWith('https:');
  return typeof uri === 'string' && !isDowngrade ? ok(uri) : fail(`${location} has no jwks_uri that can be used`);
}

async function fetchText(uri: string, timeoutMs: number): Promise<Result<string, string>> {
  if (!URL.canParse(uri) || !/^https?:$/.test(new URL(uri).protocol))
    return fail(`${JSON.stringify(uri)} is no http or https URL`);
  try {
    const response = await fetch(uri, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
    if (!response.ok) return fail(`${uri} answered ${response.status}`);
    const text = await response.text();
    return text.length > LARGEST_DOCUMENT ? fail(`${uri} is larger than ${LARGEST_DOCUMENT} bytes`) : ok(text);
  } catch {
    return fail(`${uri} cannot be reached from here`);
  }
}
