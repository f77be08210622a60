import { writeFileSync } from 'node:fs';
import { sign } from 'node:crypto';
import { join } from 'node:path';

import { SpiffeId, TrustDomain } from '@rampart/core';
import { buildCertificate, generateKeyPair, randomSerial, toPem } from '@rampart/spiffe';
import type { KeyPair } from '@rampart/spiffe';

const HOUR = 3_600_000;
const TRUST_DOMAIN = TrustDomain.of('cluster.local');

/**
 * Writes what hand-written TLS, nginx and HAProxy need into `directory`: `ca.crt`, and `client` and `server` as
 * `.crt`, `.key` and `.pem` (both in one, for HAProxy). Same key type and lifetime as the mesh's own certificates.
 */
export async function writePki(directory: string): Promise<void> {
  const ca = generateKeyPair();
  const signWith = (key: KeyPair) => (tbs: Uint8Array) => new Uint8Array(sign('sha256', tbs, key.privateKey));
  const validity = { notBefore: Date.now() - 10_000, notAfter: Date.now() + 24 * HOUR };
  const root = await buildCertificate(
    {
      kind: 'root',
      serial: randomSerial(),
      publicKeyDer: spki(ca),
      trustDomain: TRUST_DOMAIN,
      commonName: 'bench root',
      ...validity,
      notAfter: validity.notAfter + HOUR,
    },
    signWith(ca),
  );
  writeFileSync(join(directory, 'ca.crt'), toPem(root.der));
  for (const [name, account] of [
    ['client', 'users-api'],
    ['server', 'orders-api'],
  ] as const) {
    const key = generateKeyPair();
    const leaf = await buildCertificate(
      {
        kind: 'server',
        serial: randomSerial(),
        publicKeyDer: spki(key),
        issuer: root,
        spiffeId: SpiffeId.forWorkload(TRUST_DOMAIN, 'default', account),
        dnsNames: ['localhost'],
        ipAddresses: ['127.0.0.1'],
        ...validity,
      },
      signWith(ca),
    );
    writeFileSync(join(directory, `${name}.crt`), toPem(leaf.der));
    writeFileSync(join(directory, `${name}.key`), key.privateKeyPem());
    writeFileSync(join(directory, `${name}.pem`), toPem(leaf.der) + key.privateKeyPem());
  }
}

function spki(key: KeyPair): Uint8Array {
  return new Uint8Array(key.publicKey.export({ type: 'spki', format: 'der' }));
}
