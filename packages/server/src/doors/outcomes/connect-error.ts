import { Code, ConnectError } from '@connectrpc/connect';
import { type ErrorCode, RampartError } from '@rampart/core';
import { ERROR_CODE_METADATA } from './error-code-metadata.ts';
import { plainly } from './unread-call.ts';

/** Every error code of the product in the words of Connect and gRPC. */
const CODES: Readonly<Record<ErrorCode, Code>> = {
  INVALID_SPIFFE_ID: Code.InvalidArgument,
  INVALID_TRUST_DOMAIN: Code.InvalidArgument,
  INVALID_YAML: Code.InvalidArgument,
  INVALID_HCL: Code.InvalidArgument,
  INVALID_RESOURCE: Code.InvalidArgument,
  UNKNOWN_KIND: Code.InvalidArgument,
  UNKNOWN_FIELD: Code.InvalidArgument,
  UNSUPPORTED_FEATURE: Code.FailedPrecondition,
  DUPLICATE_RESOURCE: Code.InvalidArgument,
  DOCUMENT_TOO_LARGE: Code.ResourceExhausted,
  NOT_FOUND: Code.NotFound,
  ALREADY_EXISTS: Code.AlreadyExists,
  UNAUTHENTICATED: Code.Unauthenticated,
  PERMISSION_DENIED: Code.PermissionDenied,
  APPROVAL_PENDING: Code.PermissionDenied,
  EGRESS_DENIED: Code.PermissionDenied,
  INVALID_JOIN_TOKEN: Code.Unauthenticated,
  ATTESTATION_DENIED: Code.Unauthenticated,
  RATE_LIMITED: Code.ResourceExhausted,
  INVALID_CSR: Code.InvalidArgument,
  INVALID_CERTIFICATE: Code.Unauthenticated,
  CERTIFICATE_REVOKED: Code.PermissionDenied,
  IDENTITY_NOT_READY: Code.Unavailable,
  POLICY_NOT_READY: Code.Unavailable,
  NO_HEALTHY_INSTANCE: Code.Unavailable,
  UPSTREAM_IDENTITY_MISMATCH: Code.PermissionDenied,
  PORT_IN_USE: Code.Unavailable,
  DATA_DIRECTORY_UNREADABLE: Code.Unavailable,
  DATA_DIRECTORY_LOCKED: Code.Unavailable,
  KEY_UNREADABLE: Code.Unavailable,
  STORAGE_FAILED: Code.Unavailable,
  JOURNAL_INCONSISTENT: Code.DataLoss,
  INVALID_BACKUP: Code.InvalidArgument,
  CONTROL_PLANE_UNREACHABLE: Code.Unavailable,
  UPSTREAM_UNREACHABLE: Code.Unavailable,
  WATCH_COMPACTED: Code.OutOfRange,
  FUTURE_REVISION: Code.FailedPrecondition,
  INVALID_ARGUMENT: Code.InvalidArgument,
  INTERNAL: Code.Internal,
};

/** What the caller is told. Whatever is not a refusal with a code of ours is an internal error that says nothing of itself. */
export function toConnectError(error: unknown): ConnectError {
  if (error instanceof ConnectError) {
    return plainly(error);
  }
  if (isCallerGone(error)) {
    return new ConnectError('the caller went away in the middle of its message', Code.Canceled);
  }
  if (error instanceof RampartError && error.code !== 'INTERNAL') {
    return new ConnectError(error.message, CODES[error.code], { [ERROR_CODE_METADATA]: error.code });
  }
  return new ConnectError('internal error: see the log of the control plane', Code.Internal, {
    [ERROR_CODE_METADATA]: 'INTERNAL',
  });
}

/** Errors that an operator must look at, as opposed to a caller. */
export function isOurFault(error: unknown): boolean {
  if (error instanceof ConnectError) {
    const { code } = plainly(error);
    return code === Code.Internal || code === Code.Unknown;
  }
  if (isCallerGone(error)) return false;
  return !(error instanceof RampartError) || error.code === 'INTERNAL' || error.code === 'STORAGE_FAILED';
}

/** What Node says of a request whose connection ended before it did. */
function isCallerGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
