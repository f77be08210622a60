/** Where a request stands in its trace (W3C Trace Context). */
export interface TraceContext {
  /** Follows one user action through every hop. */
  readonly requestId: string;
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** 16 lower-case hex digits: this hop. */
  readonly spanId: string;
}

/** Makes identifiers; randomness comes from outside. */
export interface IdSource {
  /** RFC 9562 UUID. */
  requestId(): string;
  traceId(): string;
  spanId(): string;
}

const TRACEPARENT_LENGTH = 55;
const LONGEST_REQUEST_ID = 128;
const REQUEST_ID = /^[\w.:-]+$/;

/** The context of an incoming request: continues the caller's trace when its headers are well-formed, else starts one. */
export function continueTrace(requestId: string | undefined, traceparent: string | undefined, ids: IdSource): TraceContext {
  return {
    requestId: isRequestId(requestId) ? requestId : ids.requestId(),
    traceId: traceIdOf(traceparent) ?? ids.traceId(),
    spanId: ids.spanId(),
  };
}

/** The context of an outgoing request made while handling `parent`, or on its own. */
export function startSpan(parent: TraceContext | undefined, ids: IdSource): TraceContext {
  return {
    requestId: parent?.requestId ?? ids.requestId(),
    traceId: parent?.traceId ?? ids.traceId(),
    spanId: ids.spanId(),
  };
}

/** What the application itself put on an outgoing request wins: it may be traced by a library of its own. */
export function adoptHeaders(span: TraceContext, requestId: string | undefined, traceparent: string | undefined): TraceContext {
  return {
    requestId: isRequestId(requestId) ? requestId : span.requestId,
    traceId: traceIdOf(traceparent) ?? span.traceId,
    spanId: span.spanId,
  };
}

export function formatTraceparent(context: TraceContext): string {
  return `00-${context.traceId}-${context.spanId}-01`;
}

function isRequestId(value: string | undefined): value is string {
  return value !== undefined && value.length <= LONGEST_REQUEST_ID && REQUEST_ID.test(value);
}

const TRACEPARENT = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/;
const NO_TRACE = '0'.repeat(32);

function traceIdOf(value: string | undefined): string | undefined {
  if (value === undefined || value.length !== TRACEPARENT_LENGTH) return undefined;
  const traceId = TRACEPARENT.exec(value)?.[1];
  return traceId === NO_TRACE ? undefined : traceId;
}
