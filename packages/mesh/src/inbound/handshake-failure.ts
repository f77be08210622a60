import type { TLSSocket } from 'node:tls';

import type { ConnectionRefusalKind } from '@rampart/core';

/** What OpenSSL's verification codes mean to an operator of the mesh. */
const CERTIFICATE_REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'EXPIRED: the client certificate has expired',
  CERT_NOT_YET_VALID: 'NOT_YET_VALID: the client certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'UNTRUSTED: the client certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'UNTRUSTED: the client certificate chains to a root outside this trust domain',
  UNABLE_TO_GET_ISSUER_CERT: 'UNTRUSTED: the client certificate was not issued in this trust domain',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'UNTRUSTED: the client certificate was not issued in this trust domain',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'UNTRUSTED: the client certificate was not issued in this trust domain',
  CERT_SIGNATURE_FAILURE: 'UNTRUSTED: the signature of the client certificate is wrong',
  INVALID_PURPOSE: 'BAD_KEY_USAGE: the client certificate may not be used for client authentication',
};

interface HandshakeFailure {
  readonly kind: ConnectionRefusalKind;
  readonly reason: string;
  readonly peer: string;
}

/** Names why a handshake failed. Node reports a refused certificate only on the socket it has already torn down. */
export function describeHandshakeFailure(
  error: Error & { code?: unknown; reason?: unknown },
  socket: TLSSocket,
): HandshakeFailure {
  // Typed as an error, but what Node puts there is OpenSSL's code as a text.
  const code: unknown = socket.authorizationError;
  if (typeof code === 'string' && code !== '') {
    return { kind: 'certificate_rejected', reason: CERTIFICATE_REASONS[code] ?? `UNTRUSTED: ${code}`, peer: '' };
  }
  if (error.code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') {
    return { kind: 'certificate_rejected', reason: 'NO_CERTIFICATE: the client presented no certificate', peer: '' };
  }
  if (error.code === 'ECONNRESET')
    return { kind: 'handshake_failed', reason: 'the client went away during the handshake', peer: '' };
  // OpenSSL's own words, without the thread, file and line it says them in.
  const reason = typeof error.reason === 'string' ? error.reason : error.message;
  return { kind: 'handshake_failed', reason: `no TLS 1.3 handshake: ${reason}`, peer: '' };
}
