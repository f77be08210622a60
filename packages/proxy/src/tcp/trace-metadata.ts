import { formatTraceparent, sentRequestId, traceIdOf } from '@rampart/mesh';
import type { TraceContext } from '@rampart/mesh';

const LONGEST = 256;
const SPAN_ID = /^00-[0-9a-f]{32}-(?!0{16})([0-9a-f]{16})-/;

/** A trace as metadata of a link's stream: `traceparent` (W3C Trace Context), and on a second line the request id if it has one. */
export function writeTrace(trace: TraceContext): Uint8Array {
  const traceparent = formatTraceparent(trace);
  return Buffer.from(trace.requestId === '' ? traceparent : `${traceparent}\n${trace.requestId}`, 'latin1');
}

/** What another proxy says of itself; undefined where it says nothing, or nothing that can be read. */
export function readTrace(metadata: Uint8Array | undefined): TraceContext | undefined {
  if (metadata === undefined || metadata.length > LONGEST) return undefined;
  const [traceparent = '', requestId] = Buffer.from(metadata).toString('latin1').split('\n', 2);
  const traceId = traceIdOf(traceparent);
  const spanId = SPAN_ID.exec(traceparent)?.[1];
  if (traceId === undefined || spanId === undefined) return undefined;
  return { traceId, spanId, requestId: sentRequestId(requestId) };
}
