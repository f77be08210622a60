import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

const LONGEST_CHAIN = 8;

/** DER certificates that a peer sent, leaf first. Whole only where TLS did not judge them: see the gate. */
export function presentedChain(socket: TLSSocket): readonly Uint8Array[] {
  const chain: Uint8Array[] = [];
  let certificate: X509Certificate | undefined = socket.getPeerX509Certificate();
  while (certificate !== undefined && chain.length < LONGEST_CHAIN) {
    chain.push(certificate.raw);
    const issuer: X509Certificate | undefined = certificate.issuerCertificate;
    // A self-signed certificate is its own issuer.
    certificate = issuer === certificate ? undefined : issuer;
  }
  return chain;
}
