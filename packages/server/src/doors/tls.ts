import { constants } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';

/** The door's certificate chain and key, PEM. */
export interface DoorCredentials {
  readonly certificateChain: string;
  readonly privateKey: string;
}

const PREFERRED_GROUPS = 'X25519MLKEM768:X25519:P-256';
const CLASSIC_GROUPS = 'X25519:P-256';

/** TLS 1.3 only, AES-256 first, hybrid post-quantum key exchange where OpenSSL has it. */
export function tlsSettings(credentials?: DoorCredentials): SecureContextOptions {
  return {
    minVersion: 'TLSv1.3',
    ciphers: 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256',
    honorCipherOrder: true,
    ecdhCurve: keyExchangeGroups(),
    // A resumed session would carry an identity over that was judged long ago: every connection proves itself anew.
    secureOptions: constants.SSL_OP_NO_TICKET,
    // Node hands out the whole chain a peer presented only when it has no roots to judge it by; that is done elsewhere anyway.
    ca: [],
    ...(credentials === undefined ? {} : { cert: credentials.certificateChain, key: credentials.privateKey }),
  };
}

function keyExchangeGroups(): string {
  try {
    createSecureContext({ ecdhCurve: PREFERRED_GROUPS });
    return PREFERRED_GROUPS;
  } catch {
    return CLASSIC_GROUPS;
  }
}
