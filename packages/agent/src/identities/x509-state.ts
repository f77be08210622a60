import { createHash } from 'node:crypto';

import type { TrustBundle } from '@rampart/spiffe';

import type { Caller } from '../endpoint/caller.ts';
import type { HostEntry } from '../entries/host-entry.ts';
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

/**
 * Equal while no look at the caller could find another `X509State`: whatever the process has become, it gets none but these entries.
 * Undefined when only a look can say.
 */
export function x509Outlook(caller: Caller, identities: Identities): string | undefined {
  const most = mostState(caller, identities);
  const held = most?.entries.flatMap((entry) => {
    const svid = identities.x509.peek(entry);
    return svid === undefined ? [] : [{ entry, svid }];
  });
  return most === undefined || held?.length !== most.entries.length ? undefined : x509Digest({ held, ...most });
}

/** The same for a `BundleState`; `digest` is of what is told of it. */
export function bundleOutlook(
  caller: Caller,
  identities: Identities,
  digest: (state: BundleState) => string,
): string | undefined {
  const most = mostState(caller, identities);
  return most === undefined ? undefined : JSON.stringify([most.entries.map(({ id }) => id), digest(most)]);
}

function mostState(
  { mostSelectors }: Caller,
  identities: Identities,
): (BundleState & { readonly entries: readonly HostEntry[] }) | undefined {
  const { view } = identities;
  if (mostSelectors === undefined || view.bundle(view.trustDomain?.name ?? '') === undefined) return undefined;
  const entries = view.entriesFor(mostSelectors);
  return entries.length === 0 ? undefined : { entries, bundles: bundlesOf(entries, identities), crls: view.crls };
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
