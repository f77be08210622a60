import type { TLSSocket } from 'node:tls';

const NOT_OURS = 'no authority of this trust domain has issued it';
/** What the verification of OpenSSL says of a certificate, by its codes in Node. */
const OF_ITSELF: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: NOT_OURS,
  UNABLE_TO_GET_ISSUER_CERT: NOT_OURS,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NOT_OURS,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: NOT_OURS,
  CERT_SIGNATURE_FAILURE: 'its signature is wrong',
  INVALID_PURPOSE: 'it may not be used by servers',
};
/** The same, of when it is valid. */
const OF_TIME: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
};

function problemOf(error: Error, now: () => number): string | undefined {
  if (!('code' in error) || typeof error.code !== 'string') return undefined;
  const ofTime = OF_TIME[error.code];
  if (ofTime === undefined) return OF_ITSELF[error.code];
  return `${ofTime} by the clock of this host, which says ${new Date(now()).toISOString()}`;
}

export interface UnprovedPeer {
  now(): number;
  /** The error for what is wrong with the certificate that was shown. */
  error(problem: string): Error;
}

/** A peer whose certificate OpenSSL does not take: the connection ends with an error of the mesh in place of OpenSSL's. */
export function explainUnproved(socket: TLSSocket, { now, error }: UnprovedPeer): void {
  const destroy = socket.destroy.bind(socket);
  Object.assign(socket, {
    destroy: (cause?: Error) => {
      const problem = cause && problemOf(cause, now);
      return destroy(problem === undefined ? cause : error(problem));
    },
  });
}
