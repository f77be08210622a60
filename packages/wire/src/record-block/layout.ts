/**
 * What writer and reader of an access-log record block agree on. The layout is described in this package's README.
 */

/** First bytes of every block: "RRB". The format's version follows: a new column or encoding is a new version. */
export const SIGNATURE: readonly number[] = [0x52, 0x52, 0x42];

/** What is written. */
export const VERSION = 3;
/** What is still read: blocks of version 1 know nothing of AUDIT and dry-run policies. */
export const OLDEST_VERSION = 1;
/** First version with what AUDIT and dry-run policies said. */
export const OBSERVED_VERSION = 2;
/** First version with the span that a span belongs to. */
export const PARENT_VERSION = 3;

/** Records a block may hold; also keeps dictionary indexes within 16 bits and bounds what a small hostile block can unfold to. */
export const MAX_RECORDS = 8192;

/** Size a block may have on the wire. */
export const MAX_BLOCK_BYTES: number = 4 * 1024 * 1024;

/** Last millisecond RFC 3339 can write: 9999-12-31T23:59:59.999Z. */
export const MAX_TIMESTAMP = 253_402_300_799_999;

/** Longest text of each text column, in UTF-16 code units; what is longer is cut and marked. In wire order. */
export const TEXT_LIMITS = {
  sourcePrincipal: 2048,
  destinationService: 512,
  method: 64,
  path: 8192,
  responseFlags: 64,
  authority: 1024,
  upstreamHost: 512,
  forwardedFor: 1024,
  userAgent: 1024,
  decision: 16,
  policy: 1024,
  sourceWorkload: 512,
  destinationPrincipal: 2048,
  protocol: 64,
  tlsVersion: 64,
  reporter: 16,
  jwtPrincipal: 1024,
  reason: 1024,
  auditPolicies: 1024,
  dryRunDecision: 16,
  dryRunPolicies: 1024,
} as const;

/** Longest id that is kept as text because it has no packed form. */
export const ID_TEXT_LIMIT = 256;

/** Ends every text that was cut. */
export const TRUNCATION_MARK = '…';

export const UUID_BYTES = 16;
export const TRACE_ID_BYTES = 16;
export const SPAN_ID_BYTES = 8;

/** How a text column is stored. */
export const TEXT_CONSTANT = 0;
export const TEXT_DICTIONARY_8 = 1;
export const TEXT_DICTIONARY_16 = 2;

/** A number column is stored as a constant, or as offsets from its minimum in 1 to 7 bytes (the encoding is the width). */
export const NUMBER_CONSTANT = 0;
export const MAX_NUMBER_WIDTH = 7;

/** How an id column is stored. */
export const IDS_EMPTY = 0;
export const IDS_PACKED = 1;
export const IDS_MIXED = 2;

/** What one row of a mixed id column is. */
export const ID_EMPTY = 0;
export const ID_PACKED = 1;
export const ID_TEXT = 2;
