import { sign } from 'node:crypto';
import { SpiffeId, TrustDomain } from '@rampart/core';
import { buildCertificate, generateKeyPair, randomSerial, toPem } from '@rampart/spiffe';
import type { KeyPair, TbsSigner } from '@rampart/spiffe';

/** A certificate that looks right in every detail, but for who signed it; PEM. */
export interface ForgedIdentity {
  readonly key: string;
  /** Leaf, intermediate and root. */
  readonly chain: string;
  readonly root: string;
}

const HOUR_MS = 3_600_000;

/** Makes up a certificate authority and lets it sign a certificate for `identity`, for an IP address too where one is given. */
export async function forgeIdentity(identity: string, now: number, address?: string): Promise<ForgedIdentity> {
  const spiffeId = SpiffeId.of(identity);
  const second = Math.floor(now / 1000) * 1000;
  const validity = { notBefore: second - HOUR_MS, notAfter: second + HOUR_MS };
  const trustDomain = TrustDomain.of(spiffeId.trustDomain.name);
  const keys = { root: generateKeyPair(), intermediate: generateKeyPair(), leaf: generateKeyPair() };
  const authority = { ...validity, trustDomain };

  const root = await buildCertificate(
    { kind: 'root', serial: randomSerial(), commonName: 'Root', publicKeyDer: spki(keys.root), ...authority },
    signer(keys.root),
  );
  const intermediate = await buildCertificate(
    {
      kind: 'intermediate',
      serial: randomSerial(),
      commonName: 'Intermediate',
      publicKeyDer: spki(keys.intermediate),
      issuer: root,
      ...authority,
    },
    signer(keys.root),
  );
  const leaf = await buildCertificate(
    {
      ...(address === undefined ? { kind: 'workload' } : { kind: 'server', ipAddresses: [address] }),
      serial: randomSerial(),
      publicKeyDer: spki(keys.leaf),
      issuer: intermediate,
      spiffeId,
      ...validity,
    },
    signer(keys.intermediate),
  );
  const chain = [leaf, intermediate, root].map(({ der }) => toPem(der));
  return { key: keys.leaf.privateKeyPem(), chain: chain.join(''), root: toPem(root.der) };
}

function spki(key: KeyPair): Uint8Array {
  return new Uint8Array(key.publicKey.export({ type: 'spki', format: 'der' }));
}

function signer(key: KeyPair): TbsSigner {
  return (tbs: Uint8Array) => new Uint8Array(sign('sha256', tbs, key.privateKey));
}
