/** Longest accepted encoding; the identifiers of X.509 need at most 10 bytes. */
const MAX_OCTETS = 64;

/** Where the content octets of an element are. */
interface Octets {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Dotted text of an OBJECT IDENTIFIER (X.690 §8.19); undefined when not minimal, cut off or absurdly long. */
export function decodeOid(bytes: Uint8Array, start = 0, end: number = bytes.length): string | undefined {
  const octets = { bytes, start, end };
  const known = KNOWN.get(fingerprint(octets));
  return known !== undefined && isSame(known.content, octets) ? known.dotted : decodeAny(bytes.subarray(start, end));
}

function decodeAny(content: Uint8Array): string | undefined {
  if (content.length === 0 || content.length > MAX_OCTETS) return undefined;
  const arcs: number[] = [];
  let arc = 0;
  let inside = false;
  for (const octet of content) {
    if (!inside && octet === 0x80) return undefined;
    arc = arc * 128 + (octet & 0x7f);
    if (!Number.isSafeInteger(arc)) return undefined;
    inside = octet >= 0x80;
    if (!inside) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const [head, ...rest] = arcs;
  if (inside || head === undefined) return undefined;
  const root = Math.min(Math.floor(head / 40), 2);
  return [root, head - root * 40, ...rest].join('.');
}

/** Content octets of a dotted OBJECT IDENTIFIER. For the constants of this package, so it does not judge its input. */
export function encodeOid(dotted: string): Uint8Array {
  const [root = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return Uint8Array.from([root * 40 + second, ...rest].flatMap(base128));
}

function base128(arc: number): number[] {
  const octets = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) octets.unshift(0x80 | (rest % 128));
  return octets;
}

/** Object identifiers of RFC 5280, RFC 5480, RFC 5758 and RFC 8017. */
export const OID = {
  ecPublicKey: '1.2.840.10045.2.1',
  p256: '1.2.840.10045.3.1.7',
  p384: '1.3.132.0.34',
  rsaEncryption: '1.2.840.113549.1.1.1',
  rsaWithSha256: '1.2.840.113549.1.1.11',
  rsaWithSha384: '1.2.840.113549.1.1.12',
  rsaWithSha512: '1.2.840.113549.1.1.13',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  ecdsaWithSha384: '1.2.840.10045.4.3.3',
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  extensionRequest: '1.2.840.113549.1.9.14',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  crlReason: '2.5.29.21',
  deltaCrlIndicator: '2.5.29.27',
  issuingDistributionPoint: '2.5.29.28',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

/** A certificate names a dozen identifiers, nearly always these: finding one costs a tenth of spelling it out. */
const KNOWN: ReadonlyMap<number, { readonly dotted: string; readonly content: Uint8Array }> = new Map(
  Object.values(OID).map((dotted) => {
    const content = encodeOid(dotted);
    return [fingerprint({ bytes: content, start: 0, end: content.length }), { dotted, content }];
  }),
);

function fingerprint({ bytes, start, end }: Octets): number {
  let sum = end - start;
  for (let at = start; at < end; at += 1) sum = (Math.imul(sum, 31) + (bytes[at] ?? 0)) | 0;
  return sum;
}

function isSame(content: Uint8Array, { bytes, start, end }: Octets): boolean {
  if (content.length !== end - start) return false;
  for (let at = 0; at < content.length; at += 1) if (content[at] !== bytes[start + at]) return false;
  return true;
}
