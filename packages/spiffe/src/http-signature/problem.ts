import { fail } from '@rampart/core';

/** What can be wrong with a signed message. */
export type HttpSignatureProblemCode =
  /** Not signed, or by no signature of the wanted kind. */
  | 'UNSIGNED'
  /** Signature-Input or Signature cannot be read. */
  | 'MALFORMED'
  /** A covered component is not in the message, or is not to be had from it. */
  | 'NO_COMPONENT'
  /** Something that has to be covered is not. */
  | 'NOT_COVERED'
  /** Of a key that nobody vouches for, or of another kind than its algorithm needs. */
  | 'UNKNOWN_KEY'
  /** Too old, expired, from the future, or without a time. */
  | 'STALE'
  /** Not the nonce that was asked for. */
  | 'WRONG_NONCE'
  | 'BAD_SIGNATURE'
  /** The content is not what its digest says. */
  | 'BAD_DIGEST';

export interface HttpSignatureProblem {
  readonly code: HttpSignatureProblemCode;
  readonly message: string;
}

export interface Refused {
  readonly ok: false;
  readonly problem: HttpSignatureProblem;
}

export function refuse(code: HttpSignatureProblemCode, message: string): Refused {
  return fail({ code, message });
}
