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
/** By their value. */
const FLAGS = ['00', SAMPLED, '02', '03'];
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

const DASH = 0x2d;
/** Where the fields of a header begin (W3C Trace Context §2.2.1). */
const TRACE_AT = 3;
const SPAN_AT = 36;
const FLAGS_AT = 53;
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
  const isFirst = value.startsWith('00');
  if (isFirst ? value.length !== TRACEPARENT_LENGTH : !isOfLater(value)) return undefined;
  if (value.charCodeAt(TRACE_AT - 1) !== DASH || value.charCodeAt(SPAN_AT - 1) !== DASH) return undefined;
  if (value.charCodeAt(FLAGS_AT - 1) !== DASH) return undefined;
  if (digitsIn(value, TRACE_AT, SPAN_AT - 1) <= 0 || digitsIn(value, SPAN_AT, FLAGS_AT - 1) <= 0) return undefined;
  if (digitsIn(value, FLAGS_AT, TRACEPARENT_LENGTH) < 0) return undefined;
  const flags = digitOf(value.charCodeAt(FLAGS_AT + 1)) & (isFirst ? KNOWN_FLAGS : KNOWN_FLAGS_OF_LATER);
  return {
    traceId: value.slice(TRACE_AT, SPAN_AT - 1),
    spanId: value.slice(SPAN_AT, FLAGS_AT - 1),
    traceFlags: FLAGS[flags] ?? SAMPLED,
  };
}

function isOfLater(value: string): boolean {
  const isVersion = digitsIn(value, 0, TRACE_AT - 1) >= 0 && !value.startsWith('ff');
  return isVersion && (value.length === TRACEPARENT_LENGTH || value.charCodeAt(TRACEPARENT_LENGTH) === DASH);
}

/** All bits of the digits from `first` to `last` (exclusive): 0 where all are zero, below 0 where one is no lower-case hex digit. */
function digitsIn(text: string, first: number, last: number): number {
  let bits = 0;
  // One character after the other: an expression with groups would make five strings of every header.
  for (let at = first; at < last; at += 1) bits |= digitOf(text.charCodeAt(at));
  return bits;
}

/** Looked up, because the digits are random: a processor guesses wrong which of two comparisons holds. */
const DIGITS = Int8Array.from({ length: 128 }, (_, code) => '0123456789abcdef'.indexOf(String.fromCharCode(code)));

/** -1 for what is no lower-case hex digit. */
function digitOf(code: number): number {
  return DIGITS[code] ?? -1;
}

/** The trace id of a `traceparent` header; undefined when it is not well-formed. */
export function traceIdOf(value: string | undefined): string | undefined {
  return parentOf(value)?.traceId;
}
