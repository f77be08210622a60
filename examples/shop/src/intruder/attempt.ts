/** One attempt of the intruder, as the intruder saw it. */
export interface Attempt {
  readonly name: AttemptName;
  /** Path and query asked for. */
  readonly path: string;
  /** What came of it, in words. */
  readonly outcome: string;
  /** HTTP status of the answer; 0 when none came. */
  readonly status: number;
  readonly body: string;
  /** "ip:port" the intruder came from; "" when it did not own the socket. */
  readonly from: string;
  /** Serial number (hex) of the certificate that the service showed; "" when it showed none. */
  readonly serverSerial: string;
}

export type AttemptName =
  | 'plaintext'
  | 'no certificate'
  | 'another trust domain'
  | 'stolen name'
  | 'plaintext to a sidecar'
  | 'stolen name to a sidecar'
  | 'valid identity, forbidden path'
  | 'forged X-Forwarded-Client-Cert'
  | 'valid identity, behind a sidecar';
