/** Where a request stands in its trace (W3C Trace Context). */
export interface TraceContext {
  /** Follows one user action through every hop. "" means the trace id: nothing else needs to travel. */
  readonly requestId: string;
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** 16 lower-case hex digits: this hop. */
  readonly spanId: string;
}

/** Makes identifiers; randomness comes from outside. */
export interface IdSource {
  traceId(): string;
  spanId(): string;
}

const TRACEPARENT_LENGTH = 55;
const LONGEST_REQUEST_ID = 128;
const REQUEST_ID = /^[\w.:-]+$/;

/** The context of an outgoing request made while handling `parent`, or on its own. */
export function startSpan(parent: TraceContext | undefined, ids: IdSource): TraceContext {
  return {
    requestId: parent?.requestId ?? '',
    traceId: parent?.traceId ?? ids.traceId(),
    spanId: ids.spanId(),
  };
}

/** What the application itself put on an outgoing request wins: it may be traced by a library of its own. */
export function adoptHeaders(
  span: TraceContext,
  requestId: string | undefined,
  traceparent: string | undefined,
): TraceContext {
  const traceId = traceIdOf(traceparent) ?? span.traceId;
  // Under another trace id, the request id of before has to be written out to stay what it was.
  const kept = traceId === span.traceId ? span.requestId : requestIdOf(span);
  const own = sentRequestId(requestId);
  return { requestId: own === '' ? kept : own, traceId, spanId: span.spanId };
}

/** The request id in full. */
export function requestIdOf({ requestId, traceId }: TraceContext): string {
  return requestId === '' ? traceId : requestId;
}

export function formatTraceparent(context: TraceContext): string {
  return `00-${context.traceId}-${context.spanId}-01`;
}

/** The value of an `x-request-id` header when it has the form of one, else "". */
export function sentRequestId(value: string | undefined): string {
  return value !== undefined && value.length <= LONGEST_REQUEST_ID && REQUEST_ID.test(value) ? value : '';
}

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const TRACE_ID_START = 3;
const TRACE_ID_END = 35;

/** The trace id of a `traceparent` header of version 00; undefined when it is not well-formed (W3C Trace Context §3.2). */
export function traceIdOf(value: string | undefined): string | undefined {
  if (value === undefined || value.length !== TRACEPARENT_LENGTH) return undefined;
  return TRACEPARENT.test(value) ? value.slice(TRACE_ID_START, TRACE_ID_END) : undefined;
}
