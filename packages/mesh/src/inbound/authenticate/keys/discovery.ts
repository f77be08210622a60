import { parseJsonObject } from '@rampart/core';

import type { FetchDocument } from './document.ts';

const WELL_KNOWN = '/.well-known/openid-configuration';

/**
 * The key set of an issuer by OpenID Connect Discovery 1.0 §4. The document must name the very issuer it was asked of
 * (§4.3), and keys of an https issuer come over https.
 */
export async function discoverKeySet(issuer: string, fetch: FetchDocument, timeoutMs: number): Promise<string> {
  const location = new URL(`${issuer.replace(/\/$/, '')}${WELL_KNOWN}`);
  const object = parseJsonObject(await fetch(location, { timeoutMs }));
  if (!object.ok) throw new Error(`${location.href} ${object.problem}`);
  const { issuer: named, jwks_uri: keys } = object.value;
  if (named !== issuer) throw new Error(`${location.href} is about another issuer than ${issuer}`);
  const url = typeof keys === 'string' && URL.canParse(keys) ? new URL(keys) : undefined;
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && location.protocol === 'http:');
  if (url === undefined || !isSafe) throw new Error(`${location.href} has no jwks_uri that can be used`);
  return fetch(url, { timeoutMs });
}
