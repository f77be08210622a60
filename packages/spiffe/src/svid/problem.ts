import { fail } from '@rampart/core';

/** Why a peer's certificate is not accepted; stable codes for logs and metrics. */
export type SvidProblemCode =
  | 'EXPIRED'
  | 'NOT_YET_VALID'
  | 'UNTRUSTED'
  | 'WRONG_TRUST_DOMAIN'
  | 'MULTIPLE_URI_SANS'
  | 'NO_URI_SAN'
  | 'NOT_A_SPIFFE_ID'
  | 'CA_CERTIFICATE'
  | 'BAD_KEY_USAGE'
  | 'REVOKED'
  | 'MALFORMED'
  | 'NO_CERTIFICATE';

/** A refusal with its code and a sentence for operators. */
export interface SvidProblem {
  readonly code: SvidProblemCode;
  readonly message: string;
}

export function refuse(code: SvidProblemCode, message: string): { readonly ok: false; readonly problem: SvidProblem } {
  return fail({ code, message });
}
