import { type ErrorCode, RampartError } from '@rampart/core';
import { Code, type ConnectError } from '@connectrpc/connect';
import type { ClientSettings } from './client-settings.ts';

/** Header (or trailer) in which the control plane names the stable code of an error. */
const ERROR_CODE_HEADER = 'rampart-code';

// Used when the answer names no stable code of its own.
const CODE_OF_STATUS: Readonly<Partial<Record<Code, ErrorCode>>> = {
  [Code.InvalidArgument]: 'INVALID_ARGUMENT',
  [Code.NotFound]: 'NOT_FOUND',
  [Code.AlreadyExists]: 'ALREADY_EXISTS',
  [Code.PermissionDenied]: 'PERMISSION_DENIED',
  [Code.Unauthenticated]: 'UNAUTHENTICATED',
  [Code.FailedPrecondition]: 'UNSUPPORTED_FEATURE',
  [Code.ResourceExhausted]: 'DOCUMENT_TOO_LARGE',
};

const CODE_SHAPE = /^[A-Z][A-Z_]{2,40}$/;

/** Turns what a call to the control plane failed with into one RampartError that says what to do next. */
export function remoteFailure(failure: ConnectError, settings: ClientSettings): RampartError {
  // An answer came, and was not believed.
  if (failure.cause instanceof RampartError) return failure.cause;
  const named = namedCode(failure);
  const unreachable = named === undefined ? unreachableReason(failure) : undefined;
  if (unreachable !== undefined) return unreachableFailure(unreachable, settings, failure);
  const code = named ?? CODE_OF_STATUS[failure.code] ?? 'INTERNAL';
  return new RampartError(code, withAdvice(code, failure.rawMessage, settings), { cause: failure });
}

function namedCode(failure: ConnectError): ErrorCode | undefined {
  const text = failure.metadata.get(ERROR_CODE_HEADER) ?? '';
  return CODE_SHAPE.test(text) ? (text as ErrorCode) : undefined;
}

function withAdvice(code: ErrorCode, message: string, settings: ClientSettings): string {
  if (code === 'UNAUTHENTICATED')
    return `the control plane at ${settings.address} does not accept the token in ${settings.tokenFile}; use the one of its own data directory (--data or --token-file)`;
  return message === ''
    ? `the control plane at ${settings.address} refused without saying why; its log has the reason`
    : message;
}

function unreachableFailure(reason: string, settings: ClientSettings, cause: ConnectError): RampartError {
  return new RampartError(
    'CONTROL_PLANE_UNREACHABLE',
    `cannot reach the control plane at ${settings.address}: ${reason}`,
    { cause },
  );
}

const OTHER_CA =
  'its certificate is not signed by the pinned CA; use the data directory of the control plane that runs there (--data or --ca)';
const START = 'start one with "rampart up"';

const REASON_OF_SYSTEM_CODE: Readonly<Record<string, string>> = {
  ECONNREFUSED: `nothing listens there; ${START}`,
  ENOTFOUND: 'no such host; check --address',
  EAI_AGAIN: 'its name cannot be looked up; check --address and your DNS',
  ETIMEDOUT: 'no answer; check --address and the network',
  EHOSTUNREACH: 'no way to that host; check --address and the network',
  ENETUNREACH: 'no way to that network; check --address',
  ECONNRESET: 'the connection was closed; is it a Rampart control plane, and is it still running?',
  EPIPE: 'the connection was closed; is it still running?',
  DEPTH_ZERO_SELF_SIGNED_CERT: OTHER_CA,
  SELF_SIGNED_CERT_IN_CHAIN: OTHER_CA,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: OTHER_CA,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: OTHER_CA,
  CERT_SIGNATURE_FAILURE: OTHER_CA,
  CERT_NOT_YET_VALID: 'its certificate is not valid yet by the clock of this host; set the clock that is wrong',
  CERT_HAS_EXPIRED:
    'its certificate has expired by the clock of this host; set the clock, or restart the control plane where the clock is right',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host; use the address that "rampart up" printed',
};

/** Why nobody answered; undefined when somebody did. */
function unreachableReason(failure: ConnectError): string | undefined {
  const code = systemCodeOf(failure);
  const known = code === undefined ? undefined : REASON_OF_SYSTEM_CODE[code];
  if (known !== undefined) return known;
  if (code?.startsWith('ERR_SSL') === true) return `it does not speak TLS 1.3 there; check --address (${code})`;
  if (failure.code === Code.Unavailable) return `${failure.rawMessage || 'no answer'}; ${START}`;
  if (CODE_OF_STATUS[failure.code] !== undefined || failure.code === Code.Internal) return undefined;
  return `${failure.rawMessage || 'the connection was closed'}; is it a Rampart control plane, and is it still running?`;
}

function systemCodeOf(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if ('code' in at && typeof at.code === 'string') return at.code;
  }
  return undefined;
}
