/** How a header of an authorizer meets the one that is there (Envoy `HeaderAppendAction`, and its older `append`). */
export type HeaderAction =
  /** Takes the place of every header of that name. */
  | 'set'
  /** Stands beside them. */
  | 'add'
  /** Joins the one that is there with a comma; nothing where there is none. */
  | 'append'
  | 'add-if-absent'
  | 'set-if-present'
  | 'remove';

/** One change to the headers of a message. `name` is in lower case, `value` is "" for `remove`. */
export interface HeaderChange {
  readonly action: HeaderAction;
  readonly name: string;
  readonly value: string;
}

/** Query parameters that the authorizer sets or takes away; names and values are URL-encoded. */
export interface QueryChange {
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly remove: readonly string[];
}

export const NO_QUERY_CHANGE: QueryChange = Object.freeze({ set: [], remove: [] });

/** What an authorizer said, whatever it was asked over. */
export type Reply =
  | {
      readonly kind: 'allowed';
      readonly request: readonly HeaderChange[];
      readonly response: readonly HeaderChange[];
      readonly query: QueryChange;
    }
  | DeniedReply
  | FailedReply;

export interface DeniedReply {
  readonly kind: 'denied';
  /** HTTP status for the caller. */
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

export interface FailedReply {
  readonly kind: 'failed';
  readonly reason: string;
}

/** The call is none that the authorizer can be asked about. Callers choose what they send: this never fails open. */
export interface UnaskableReply {
  readonly kind: 'unaskable';
  readonly reason: string;
}

export function unaskable(reason: string): UnaskableReply {
  return { kind: 'unaskable', reason };
}

/** The authorizer's own words may be in the reason, which stands on one line of a log. */
export function failed(reason: string): FailedReply {
  return { kind: 'failed', reason: reason.replace(LINE_BREAKING, ' ') };
}

const LINE_BREAKING = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;
