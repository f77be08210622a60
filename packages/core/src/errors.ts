/** Stable, closed set of error codes; the public part of every refusal (`--output json`, API details, docs/errors.md). */
export type ErrorCode =
  | 'INVALID_SPIFFE_ID'
  | 'INVALID_TRUST_DOMAIN'
  | 'INVALID_YAML'
  | 'INVALID_HCL'
  | 'INVALID_RESOURCE'
  | 'UNKNOWN_KIND'
  | 'UNKNOWN_FIELD'
  | 'UNSUPPORTED_FEATURE'
  | 'DUPLICATE_RESOURCE'
  | 'DOCUMENT_TOO_LARGE'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'UNAUTHENTICATED'
  | 'PERMISSION_DENIED'
  | 'APPROVAL_PENDING'
  | 'EGRESS_DENIED'
  | 'INVALID_JOIN_TOKEN'
  | 'ATTESTATION_DENIED'
  | 'RATE_LIMITED'
  | 'INVALID_CSR'
  | 'INVALID_CERTIFICATE'
  | 'CERTIFICATE_REVOKED'
  | 'IDENTITY_NOT_READY'
  | 'POLICY_NOT_READY'
  | 'NO_HEALTHY_INSTANCE'
  | 'UPSTREAM_IDENTITY_MISMATCH'
  | 'PORT_IN_USE'
  | 'DATA_DIRECTORY_UNREADABLE'
  | 'DATA_DIRECTORY_LOCKED'
  | 'KEY_UNREADABLE'
  | 'STORAGE_FAILED'
  | 'JOURNAL_INCONSISTENT'
  | 'INVALID_BACKUP'
  | 'CONTROL_PLANE_UNREACHABLE'
  | 'UPSTREAM_UNREACHABLE'
  | 'WATCH_COMPACTED'
  | 'FUTURE_REVISION'
  | 'INVALID_ARGUMENT'
  | 'INTERNAL';

/**
 * A refusal or failure with a stable code.
 * `message` says what was wrong, where and what to do next, and is safe to show to anyone;
 * `detail` is for operators' logs only. Neither ever holds a secret.
 */
export class RampartError extends Error {
  override readonly name = 'RampartError';
  readonly code: ErrorCode;
  readonly detail: string | undefined;

  constructor(code: ErrorCode, message: string, options: { readonly cause?: unknown; readonly detail?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
  }
}

/** Invariant break: a bug of ours, never the user's fault. */
export function assertNever(value: never, what: string): never {
  throw new RampartError('INTERNAL', `BUG: unexpected ${what}: ${JSON.stringify(value)}`);
}
