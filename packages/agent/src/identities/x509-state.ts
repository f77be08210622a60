import { createHash } from 'node:crypto';

import type { TrustBundle } from '@rampart/spiffe';

import type { Caller } from '../endpoint/caller.ts';
import { bundlesOf, entriesOf, svidsOf } from './identities.ts';
import type { HeldSvid, Identities } from './identities.ts';
import type { Watched } from './watched.ts';

/** By what a caller judges X.509-SVIDs of others. */
export interface BundleState {
  readonly bundles: readonly TrustBundle[];
  /** DER. */
  readonly crls: readonly Uint8Array[];
}

/** All that a caller is told about X.509-SVIDs. */
export interface X509State extends BundleState {
  /** At least one, the default first. */
  readonly held: readonly HeldSvid[];
}

/** @throws ConnectError Unavailable, PermissionDenied */
export async function x509State(caller: Caller, identities: Identities, watched: Watched): Promise<X509State> {
  const entries = await entriesOf(caller, identities);
  watched.only(entries);
  const held = await svidsOf(entries, identities);
  return { held, bundles: bundlesOf(entries, identities), crls: identities.view.crls };
}

/** @throws ConnectError Unavailable, PermissionDenied */
export async function bundleState(caller: Caller, identities: Identities): Promise<BundleState> {
  const entries = await entriesOf(caller, identities);
  return { bundles: bundlesOf(entries, identities), crls: identities.view.crls };
}

export function x509Digest({ held, ...rest }: X509State): string {
  const svids = held.map(({ entry, svid }) => [entry.id, entry.hint, svid.serial]);
  return JSON.stringify([svids, bundleDigest(rest)]);
}

export function bundleDigest({ bundles, crls }: BundleState): string {
  const roots = bundles.map((bundle) => [bundle.trustDomain.name, ...bundle.roots.map(digestOf)]);
  return JSON.stringify([roots, crls.map(digestOf)]);
}

const digests = new WeakMap<Uint8Array, string>();

/** Of bytes that nobody changes. */
function digestOf(octets: Uint8Array): string {
  const known = digests.get(octets);
  if (known !== undefined) return known;
  const digest = createHash('sha256').update(octets).digest('base64');
  digests.set(octets, digest);
  return digest;
}
