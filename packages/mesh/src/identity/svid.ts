import { createSecureContext } from 'node:tls';
import type { SecureContext } from 'node:tls';

import type { SpiffeId } from '@rampart/core';
import { toPem } from '@rampart/spiffe';
import type { KeyPair, TrustBundle } from '@rampart/spiffe';

/** What one TLS endpoint of the mesh needs, in the form `node:tls` takes it. */
export interface TlsMaterial {
  readonly key: string;
  readonly cert: string;
  readonly ca: string[];
  readonly minVersion: 'TLSv1.3';
}

/** A workload's own identity: certificate chain, private key and the roots it trusts. The key never leaves this process. */
export interface Svid {
  readonly spiffeId: SpiffeId;
  /** Lower-case hex. */
  readonly serial: string;
  /** Unix milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** When to get the next one, jitter not counted; undefined for half of what is left. */
  readonly renewAt: number | undefined;
  /** What signed the last one is no longer to be trusted: connections that stand on that one are to be left soon. */
  readonly isUrgent?: true;
  readonly bundle: TrustBundle;
  readonly tls: TlsMaterial;
  readonly context: SecureContext;
}

export interface SvidParts {
  readonly spiffeId: SpiffeId;
  readonly serial: string;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly renewAt?: number | undefined;
  readonly chain: readonly Uint8Array[];
  readonly keyPair: KeyPair;
  readonly bundle: TrustBundle;
}

/** The same identity, with other roots to judge peers by. */
export function withBundle(svid: Svid, bundle: TrustBundle): Svid {
  const tls: TlsMaterial = { ...svid.tls, ca: bundle.roots.map((der) => toPem(der)) };
  return { ...svid, bundle, tls, context: createSecureContext(tls) };
}

export function createSvid(parts: SvidParts): Svid {
  const tls: TlsMaterial = {
    key: parts.keyPair.privateKeyPem(),
    cert: parts.chain.map((der) => toPem(der)).join(''),
    ca: parts.bundle.roots.map((der) => toPem(der)),
    minVersion: 'TLSv1.3',
  };
  const { spiffeId, serial, notBefore, notAfter, renewAt, bundle } = parts;
  return { spiffeId, serial, notBefore, notAfter, renewAt, bundle, tls, context: createSecureContext(tls) };
}
