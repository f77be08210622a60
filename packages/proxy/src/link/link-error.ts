/** Why a stream ended early, and its number in RESET. The first six are refusals: not one byte of the stream was looked at. */
export const STREAM_REASONS = {
  overloaded: 1,
  'not-served': 2,
  denied: 3,
  unavailable: 4,
  'going-away': 5,
  'not-accepting': 6,
  cancelled: 16,
  internal: 17,
} as const;

/** Why a session ended early, and its number in GOAWAY; 0 is one that ends in order. */
export const SESSION_REASONS = {
  'protocol-error': 1,
  'flow-control': 2,
  flood: 3,
  'dead-peer': 4,
  deadline: 5,
  closed: 6,
  expired: 7,
} as const;

export type StreamReason = keyof typeof STREAM_REASONS;
export type SessionReason = keyof typeof SESSION_REASONS;
/** Why the accepting side does not take a stream. */
export type Refusal = 'overloaded' | 'not-served' | 'denied' | 'unavailable' | 'going-away' | 'not-accepting';
/** `connection-lost`: the transport ended under the session. */
export type LinkReason = StreamReason | SessionReason | 'connection-lost';

const explanations: Readonly<Record<LinkReason, string>> = {
  overloaded: 'the other side has as many streams as it takes',
  'not-served': 'the other side does not serve this port or protocol',
  denied: 'the other side refused the stream by policy',
  unavailable: 'the other side cannot reach its application',
  'going-away': 'the link is closing',
  'not-accepting': 'the other side takes no streams on this link',
  cancelled: 'the stream was given up',
  internal: 'the stream failed inside a proxy',
  'protocol-error': 'the link broke its protocol',
  'flow-control': 'more was sent over the link than there was credit for',
  flood: 'the other side of the link asked for too much in too short a time',
  'dead-peer': 'nothing was heard from the other side of the link',
  deadline: 'the link closed before the stream was over',
  closed: 'the link was closed',
  expired: 'a certificate that the link began with has ended',
  'connection-lost': 'the connection under the link was lost',
};

/** Why a stream or a session did not end in order. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
  readonly reason: LinkReason;
  /** True when the other side had not looked at the stream: sending the same elsewhere repeats nothing. */
  readonly isRefusal: boolean;

  /** `detail` is for operators: which frame, which limit. */
  constructor(reason: LinkReason, detail?: string) {
    super(detail === undefined ? explanations[reason] : `${explanations[reason]}: ${detail}`);
    this.reason = reason;
    this.isRefusal = reason in STREAM_REASONS && STREAM_REASONS[reason as StreamReason] < STREAM_REASONS.cancelled;
  }
}

const streamReasons: ReadonlyMap<number, StreamReason> = new Map(
  Object.entries(STREAM_REASONS).map(([reason, code]) => [code, reason as StreamReason]),
);
const sessionReasons: ReadonlyMap<number, SessionReason> = new Map(
  Object.entries(SESSION_REASONS).map(([reason, code]) => [code, reason as SessionReason]),
);

export function streamReason(code: number): StreamReason | undefined {
  return streamReasons.get(code);
}

export function sessionReason(code: number): SessionReason | undefined {
  return sessionReasons.get(code);
}

/** The number with which a stream's end for this cause is told to the other side. */
export function resetCode(cause: Error | undefined): number {
  if (cause === undefined) return STREAM_REASONS.cancelled;
  if (cause instanceof LinkError && cause.reason in STREAM_REASONS) return STREAM_REASONS[cause.reason as StreamReason];
  return STREAM_REASONS.internal;
}
