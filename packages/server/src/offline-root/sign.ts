import { hash } from 'node:crypto';
import { join } from 'node:path';
import { RampartError } from '@rampart/core';
import { buildCertificate, parseAuthorityCsr, randomSerial } from '@rampart/spiffe';
import { type OfflineRoot, wholeSeconds, writeDurably } from './offline-root.ts';

/** A request for an intermediate, and how long it is to live. */
export interface SigningOrder {
  /** PKCS#10, DER, of an intermediate of the root's trust domain. Of what it says only its key counts. */
  readonly csr: Uint8Array;
  readonly lifeMs: number;
  /** Unix milliseconds. */
  readonly now: number;
}

export interface SignedIntermediate {
  /** DER: the intermediate, then the root. */
  readonly chain: readonly [Uint8Array, Uint8Array];
  readonly serial: string;
  /** Unix milliseconds. */
  readonly notAfter: number;
}

const CUSHION_MS = 10_000;

/**
 * An intermediate of the root's own trust domain, for the key of a request for one. It is in the root's own log, on the disk, before
 * it is given out.
 * @throws RampartError INVALID_CSR, INVALID_ARGUMENT when the root is not valid now.
 */
export async function signWithOfflineRoot(
  { certificate: root, trustDomain, signer, directory }: OfflineRoot,
  { csr, lifeMs, now }: SigningOrder,
): Promise<SignedIntermediate> {
  const request = parseAuthorityCsr(csr, trustDomain);
  if (!request.ok) {
    const { rule, message } = request.problem;
    throw new RampartError('INVALID_CSR', `the request was refused by rule ${rule}: ${message}`);
  }
  if (now < root.notBefore || now >= root.notAfter) {
    const span = `${new Date(root.notBefore).toISOString()} to ${new Date(root.notAfter).toISOString()}`;
    throw new RampartError(
      'INVALID_ARGUMENT',
      `the root is valid from ${span}, not now; check the clock of this machine`,
    );
  }
  const { publicKeyDer } = request.value;
  const serial = randomSerial();
  const intermediate = await buildCertificate(
    {
      kind: 'intermediate',
      serial,
      publicKeyDer,
      issuer: root,
      trustDomain,
      commonName: `Rampart intermediate CA ${Buffer.from(serial).toString('hex').slice(0, 8)}`,
      notBefore: Math.max(wholeSeconds(now - CUSHION_MS), root.notBefore),
      notAfter: Math.min(wholeSeconds(now + lifeMs), root.notAfter),
    },
    (tbs) => signer.sign(tbs),
  );
  const entry = {
    at: new Date(now).toISOString(),
    serial: intermediate.serial,
    not_after: new Date(intermediate.notAfter).toISOString(),
    public_key_sha256: hash('sha256', publicKeyDer, 'hex'),
    certificate_sha256: hash('sha256', intermediate.der, 'hex'),
  };
  await writeDurably(join(directory, 'signed.log'), `${JSON.stringify(entry)}\n`, 'a');
  return { chain: [intermediate.der, root.der], serial: intermediate.serial, notAfter: intermediate.notAfter };
}
