import { createPublicKey } from 'node:crypto';
import { RampartError } from '@rampart/core';
import { algorithmOf } from '../jwt-svid/algorithms.ts';
import { parseCertificate } from '../certificate/parsed-certificate.ts';
import type { JwtAuthority, TrustBundle } from './trust-bundle.ts';

/** A JSON Web Key Set (RFC 7517 §5). */
export interface JsonWebKeySet {
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

/**
 * The SPIFFE bundle document (SPIFFE_Trust_Domain_and_Bundle.md §4): what `spire-server bundle show -format spiffe` prints.
 * @throws RampartError INVALID_CERTIFICATE when a root is no readable certificate.
 */
export function bundleToJson(bundle: TrustBundle): string {
  return JSON.stringify(documentOf(bundle));
}

/** A bundle map (§5): one document for several trust domains, none of them merged. Throws as `bundleToJson` does. */
export function bundleMapToJson(bundles: readonly TrustBundle[]): string {
  const domains = bundles.map((bundle) => [bundle.trustDomain.name, documentOf(bundle)] as const);
  return JSON.stringify({ trust_domains: Object.fromEntries(domains) });
}

/** The keys of JWT-SVIDs and no others, `use` "jwt-svid": the form of the Workload API's FetchJWTBundles. */
export function jwksOf(bundle: Pick<TrustBundle, 'jwtAuthorities'>): JsonWebKeySet {
  return { keys: bundle.jwtAuthorities.map(({ keyId, jwk }) => ({ use: 'jwt-svid', kid: keyId, ...jwk })) };
}

/** The same keys for OpenID Connect relying parties, which know `use` "sig" and want `alg` (OIDC Discovery 1.0 §3). */
export function oidcKeysOf(bundle: Pick<TrustBundle, 'jwtAuthorities'>): JsonWebKeySet {
  return { keys: bundle.jwtAuthorities.map(oidcKey) };
}

function documentOf({ roots, jwtAuthorities, sequence, refreshHintSeconds }: TrustBundle): object {
  return {
    keys: [...roots.map(rootKey), ...jwksOf({ jwtAuthorities }).keys],
    spiffe_sequence: sequence,
    ...(refreshHintSeconds === undefined ? {} : { spiffe_refresh_hint: refreshHintSeconds }),
  };
}

/** No `kid`: it MUST NOT be set (X509-SVID.md §6). */
function rootKey(der: Uint8Array): Readonly<Record<string, unknown>> {
  const parsed = parseCertificate(der);
  if (!parsed.ok)
    throw new RampartError('INVALID_CERTIFICATE', `a root of the bundle is not readable: ${parsed.problem}`);
  const key = createPublicKey({ key: Buffer.from(parsed.value.publicKey.der), format: 'der', type: 'spki' });
  return { use: 'x509-svid', ...key.export({ format: 'jwk' }), x5c: [Buffer.from(der).toString('base64')] };
}

function oidcKey({ keyId, jwk }: JwtAuthority): Readonly<Record<string, unknown>> {
  return { use: 'sig', kid: keyId, alg: algorithmOf(jwk), ...jwk };
}
