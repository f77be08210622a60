/** Where a request stands in its trace (W3C Trace Context). */
export interface TraceContext {
  /** Follows one user action through every hop. "" means the trace id: nothing else needs to travel. */
  readonly requestId: string;
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** 16 lower-case hex digits: this hop. */
  readonly spanId: string;
  /** The hop before it; "" or absent where the trace begins here. */
  readonly parentSpanId?: string;
  /** Two hex digits, the lowest bit of which says that it is sampled; a trace that begins here is. */
  readonly traceFlags?: string;
}

/** Makes identifiers; randomness comes from outside. */
export interface IdSource {
  traceId(): string;
  spanId(): string;
}

const TRACEPARENT_LENGTH = 55;
/** Beyond it, what a version of the future adds is no reason to read on. */
const LONGEST_TRACEPARENT = 512;
const SAMPLED = '01';
const LONGEST_REQUEST_ID = 128;
const REQUEST_ID = /^[\w.:-]+$/;

/** The context of an outgoing request made while handling `parent`, or on its own. */
export function startSpan(parent: TraceContext | undefined, ids: IdSource): TraceContext {
  return {
    requestId: parent?.requestId ?? '',
    traceId: parent?.traceId ?? ids.traceId(),
    spanId: ids.spanId(),
    parentSpanId: parent?.spanId ?? '',
    traceFlags: parent?.traceFlags ?? SAMPLED,
  };
}

/** What the application itself put on an outgoing request wins: it may be traced by a library of its own. */
export function adoptHeaders(
  span: TraceContext,
  requestId: string | undefined,
  traceparent: string | undefined,
): TraceContext {
  const parent = parentOf(traceparent);
  const traceId = parent?.traceId ?? span.traceId;
  // Under another trace id, the request id of before has to be written out to stay what it was.
  const kept = traceId === span.traceId ? span.requestId : requestIdOf(span);
  const own = sentRequestId(requestId);
  const { parentSpanId = '', traceFlags = SAMPLED } = span;
  return {
    requestId: own === '' ? kept : own,
    traceId,
    spanId: span.spanId,
    parentSpanId: parent?.spanId ?? parentSpanId,
    traceFlags: parent?.traceFlags ?? traceFlags,
  };
}

/** The request id in full. */
export function requestIdOf({ requestId, traceId }: TraceContext): string {
  return requestId === '' ? traceId : requestId;
}

export function formatTraceparent(context: TraceContext): string {
  return `00-${context.traceId}-${context.spanId}-${context.traceFlags ?? SAMPLED}`;
}

/** The value of an `x-request-id` header when it has the form of one, else "". */
export function sentRequestId(value: string | undefined): string {
  return value !== undefined && value.length <= LONGEST_REQUEST_ID && REQUEST_ID.test(value) ? value : '';
}

const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/s;
const HEX = 16;
/** Sampled, and that the trace id is random (W3C Trace Context, level 2); what other flags mean nobody knows yet. */
const KNOWN_FLAGS = 0b11;
const KNOWN_FLAGS_OF_LATER = 0b01;

/** What a `traceparent` header says of the hop before. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: string;
}

/**
 * Reads a `traceparent` header; undefined when it is not well-formed (W3C Trace Context §3.2). Of later versions, which may
 * say more, what version 00 says is taken.
 */
export function parentOf(value: string | undefined): TraceParent | undefined {
  if (value === undefined || value.length < TRACEPARENT_LENGTH || value.length > LONGEST_TRACEPARENT) return undefined;
  const [, version, traceId, spanId, flags] = TRACEPARENT.exec(value) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === '00' && value.length !== TRACEPARENT_LENGTH) return undefined;
  const known = Number.parseInt(flags, HEX) & (version === '00' ? KNOWN_FLAGS : KNOWN_FLAGS_OF_LATER);
  return { traceId, spanId, traceFlags: `0${known}` };
}

/** The trace id of a `traceparent` header; undefined when it is not well-formed. */
export function traceIdOf(value: string | undefined): string | undefined {
  return parentOf(value)?.traceId;
}
