import type { Signer } from '@rampart/keyring';

/** A root whose key this process can use, though it is not kept with the other keys. */
export interface RootKey {
  readonly der: Uint8Array;
  readonly signer: Signer;
}

/** Somebody else's CA. */
export interface ExternalCa {
  /** For messages: "https://ca.example/sign". */
  readonly name: string;
  /** DER: the roots that its chains may end in, and no others. */
  readonly roots: readonly Uint8Array[];
  /**
   * Has an intermediate signed: PKCS#10 in, DER chain out, the intermediate first, the root left out or last.
   * @throws RampartError UPSTREAM_UNREACHABLE, INVALID_CERTIFICATE.
   */
  sign(csr: Uint8Array): Promise<readonly Uint8Array[]>;
}

/**
 * Who signs the intermediates: a root of our own in the key store; a root on a disk that is not always there; an external CA
 * that answers by itself; or somebody who signs by hand, with a root that never sees a network.
 */
export type Upstream =
  | { readonly kind: 'own' }
  | { readonly kind: 'root'; readonly root: RootKey }
  | { readonly kind: 'external'; readonly ca: ExternalCa }
  | { readonly kind: 'by-hand' };
