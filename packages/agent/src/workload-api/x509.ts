import { create } from '@bufbuild/protobuf';
import type { MessageShape } from '@bufbuild/protobuf';
import type { TrustBundle } from '@rampart/spiffe';
import { X509BundlesResponseSchema, X509SVIDResponseSchema } from '@rampart/wire/workload-api';

import { uniqueHints } from '../identities/identities.ts';
import type { HeldSvid } from '../identities/identities.ts';

/** The whole answer of FetchX509SVID. */
export function x509Response(
  held: readonly HeldSvid[],
  bundles: readonly TrustBundle[],
  crls: readonly Uint8Array[],
): MessageShape<typeof X509SVIDResponseSchema> {
  const hints = uniqueHints(held.map(({ entry }) => entry));
  const rootsOf = new Map(bundles.map(({ trustDomain, roots }) => [trustDomain.name, Buffer.concat(roots)]));
  const own = new Set(held.map(({ svid }) => svid.spiffeId.trustDomain.name));
  return create(X509SVIDResponseSchema, {
    svids: held.map(({ svid }, index) => ({
      spiffeId: svid.spiffeId.toString(),
      x509Svid: Buffer.concat(svid.chain),
      x509SvidKey: svid.key,
      bundle: rootsOf.get(svid.spiffeId.trustDomain.name) ?? new Uint8Array(),
      hint: hints[index] ?? '',
    })),
    crl: fitting(crls),
    federatedBundles: rootsByDomain(bundles.filter(({ trustDomain }) => !own.has(trustDomain.name))),
  });
}

export function x509BundlesResponse(
  bundles: readonly TrustBundle[],
  crls: readonly Uint8Array[],
): MessageShape<typeof X509BundlesResponseSchema> {
  return create(X509BundlesResponseSchema, { bundles: rootsByDomain(bundles), crl: fitting(crls) });
}

/** gRPC clients take 4 MiB in one message unless they are told otherwise: lists of more would cost them their identity. */
const LARGEST_LISTS_BYTES = 2 * 1024 * 1024;

/** All of them or none: one without the others would say that nothing else is revoked. */
function fitting(crls: readonly Uint8Array[]): Uint8Array[] {
  const bytes = crls.reduce((sum, { length }) => sum + length, 0);
  return bytes <= LARGEST_LISTS_BYTES ? [...crls] : [];
}

/** By the SPIFFE ID of the trust domain: DER certificates, one after the other. */
function rootsByDomain(bundles: readonly TrustBundle[]): Record<string, Uint8Array> {
  return Object.fromEntries(
    bundles.map(({ trustDomain, roots }) => [`spiffe://${trustDomain.name}`, Buffer.concat(roots)]),
  );
}
