import { bytesOf, readList, serializeList } from '../structured-fields.ts';

/** The certificate of the signing key and those above it but the root: byte sequences, as in Client-Cert-Chain (RFC 9440). */
export const SIGNING_CHAIN_FIELD = 'rampart-signing-chain';

const MOST_CERTIFICATES = 8;
/** More than eight certificates of workloads have. */
const LONGEST_CHAIN = 32_768;

/** A signer's chain is the same array until its next certificate. */
const written = new WeakMap<readonly Uint8Array[], string>();

/** Leaf first, DER; undefined where there is none that can be read. */
export function readSigningChain(text: string): readonly Uint8Array[] | undefined {
  if (text.length > LONGEST_CHAIN) return undefined;
  const members = readList(text);
  if (members === undefined || members.length === 0 || members.length > MOST_CERTIFICATES) return undefined;
  const chain = members.map(([value]) => bytesOf(value));
  return chain.every((der) => der !== undefined) ? chain : undefined;
}

export function writeSigningChain(chain: readonly Uint8Array[]): string {
  const known = written.get(chain);
  if (known !== undefined) return known;
  const text = serializeList(chain.map((der) => [Buffer.from(der), new Map()]));
  written.set(chain, text);
  return text;
}
