import type { ErrorCode } from '@rampart/core';

/** What an exit code of `rampart` means. */
export const EXIT = {
  /** Yes, or done. */
  ok: 0,
  /** The answer is no: denied, not found, refused. */
  no: 1,
  /** Used wrongly. */
  usage: 2,
  /** Could not reach or use what it needs. */
  unavailable: 3,
} as const;

// A full record, so that a new error code does not compile before its exit code is decided.
const EXIT_OF_CODE: Readonly<Record<ErrorCode, number>> = {
  INVALID_SPIFFE_ID: EXIT.usage,
  INVALID_TRUST_DOMAIN: EXIT.usage,
  INVALID_ARGUMENT: EXIT.usage,
  INVALID_YAML: EXIT.no,
  INVALID_HCL: EXIT.no,
  INVALID_RESOURCE: EXIT.no,
  UNKNOWN_KIND: EXIT.no,
  UNKNOWN_FIELD: EXIT.no,
  UNSUPPORTED_FEATURE: EXIT.no,
  DUPLICATE_RESOURCE: EXIT.no,
  DOCUMENT_TOO_LARGE: EXIT.no,
  NOT_FOUND: EXIT.no,
  WATCH_COMPACTED: EXIT.no,
  FUTURE_REVISION: EXIT.no,
  ALREADY_EXISTS: EXIT.no,
  PERMISSION_DENIED: EXIT.no,
  APPROVAL_PENDING: EXIT.no,
  EGRESS_DENIED: EXIT.no,
  INVALID_JOIN_TOKEN: EXIT.no,
  ATTESTATION_DENIED: EXIT.no,
  RATE_LIMITED: EXIT.unavailable,
  INVALID_CSR: EXIT.no,
  INVALID_CERTIFICATE: EXIT.no,
  CERTIFICATE_REVOKED: EXIT.no,
  UPSTREAM_IDENTITY_MISMATCH: EXIT.no,
  UNAUTHENTICATED: EXIT.unavailable,
  IDENTITY_NOT_READY: EXIT.unavailable,
  POLICY_NOT_READY: EXIT.unavailable,
  NO_HEALTHY_INSTANCE: EXIT.unavailable,
  PORT_IN_USE: EXIT.unavailable,
  DATA_DIRECTORY_UNREADABLE: EXIT.unavailable,
  DATA_DIRECTORY_LOCKED: EXIT.unavailable,
  KEY_UNREADABLE: EXIT.unavailable,
  STORAGE_FAILED: EXIT.unavailable,
  JOURNAL_INCONSISTENT: EXIT.no,
  INVALID_BACKUP: EXIT.no,
  CONTROL_PLANE_UNREACHABLE: EXIT.unavailable,
  UPSTREAM_UNREACHABLE: EXIT.unavailable,
  INTERNAL: EXIT.unavailable,
};

/** The exit code (0–3) of a command that failed with this error. */
export function exitCodeOf(code: ErrorCode): number {
  return EXIT_OF_CODE[code];
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
};

/** The exit code a shell gives a command that ended by a signal: 128 + its number (POSIX, "Exit Status for Commands"). */
export function exitCodeOfSignal(signal: string): number {
  return 128 + (SIGNAL_NUMBERS[signal] ?? 0);
}
