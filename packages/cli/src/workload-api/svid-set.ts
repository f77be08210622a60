import { X509Certificate } from 'node:crypto';
import type { X509SVIDResponse } from '@rampart/wire/workload-api';

/** An X.509-SVID as a workload was given it. */
export interface FetchedSvid {
  readonly spiffeId: string;
  readonly hint: string;
  /** Lower-case hex. */
  readonly serial: string;
  /** Unix milliseconds. */
  readonly notAfter: number;
  /** Leaf first. */
  readonly chain: readonly X509Certificate[];
  readonly bundle: readonly X509Certificate[];
  /** PKCS#8, DER. Secret. */
  readonly key: Uint8Array;
}

/** All that one answer of FetchX509SVID says. */
export interface SvidSet {
  readonly svids: readonly FetchedSvid[];
  /** Roots by the SPIFFE ID of their trust domain. */
  readonly federated: ReadonlyMap<string, readonly X509Certificate[]>;
  /** DER. */
  readonly crls: readonly Uint8Array[];
}

export function svidSetOf({ svids, federatedBundles, crl }: X509SVIDResponse): SvidSet {
  return {
    svids: svids.map(({ spiffeId, hint, x509Svid, x509SvidKey, bundle }) => {
      const chain = certificatesIn(x509Svid);
      const [leaf] = chain;
      return {
        spiffeId,
        hint,
        serial: leaf?.serialNumber.toLowerCase() ?? '',
        notAfter: leaf === undefined ? 0 : Date.parse(leaf.validTo),
        chain,
        bundle: certificatesIn(bundle),
        key: x509SvidKey,
      };
    }),
    federated: new Map(Object.entries(federatedBundles).map(([domain, roots]) => [domain, certificatesIn(roots)])),
    crls: crl,
  };
}

/** DER certificates that stand one after the other. */
function certificatesIn(octets: Uint8Array): X509Certificate[] {
  const found: X509Certificate[] = [];
  let rest = Buffer.from(octets);
  while (rest.length > 0) {
    const certificate = new X509Certificate(rest);
    found.push(certificate);
    rest = rest.subarray(certificate.raw.length);
  }
  return found;
}
