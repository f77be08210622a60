import { fail } from '@rampart/core';

/** Why a JWT-SVID is not accepted; stable codes for logs and metrics. */
export type JwtSvidProblemCode =
  | 'MALFORMED'
  | 'BAD_HEADER'
  | 'BAD_ALGORITHM'
  | 'NOT_A_SPIFFE_ID'
  | 'NO_AUDIENCE'
  | 'NO_EXPIRY'
  | 'BAD_CLAIM'
  | 'WRONG_AUDIENCE'
  | 'EXPIRED'
  | 'NOT_YET_VALID'
  | 'UNTRUSTED'
  | 'UNKNOWN_KEY'
  | 'BAD_SIGNATURE';

/** A refusal with its code and a sentence for operators; nothing of the token is in it but its claims' names. */
export interface JwtSvidProblem {
  readonly code: JwtSvidProblemCode;
  readonly message: string;
}

export function refuse(
  code: JwtSvidProblemCode,
  message: string,
): { readonly ok: false; readonly problem: JwtSvidProblem } {
  return fail({ code, message });
}
