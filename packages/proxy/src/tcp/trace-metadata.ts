import { formatTraceparent, parentOf, sentRequestId } from '@rampart/mesh';
import type { TraceContext } from '@rampart/mesh';

const LONGEST = 256;

/** A trace as metadata of a link's stream: `traceparent` (W3C Trace Context), and on a second line the request id if it has one. */
export function writeTrace(trace: TraceContext): Uint8Array {
  const traceparent = formatTraceparent(trace);
  return Buffer.from(trace.requestId === '' ? traceparent : `${traceparent}\n${trace.requestId}`, 'latin1');
}

/** What another proxy says of itself; undefined where it says nothing, or nothing that can be read. */
export function readTrace(metadata: Uint8Array | undefined): TraceContext | undefined {
  if (metadata === undefined || metadata.length > LONGEST) return undefined;
  const [traceparent = '', requestId] = Buffer.from(metadata).toString('latin1').split('\n', 2);
  const parent = parentOf(traceparent);
  return parent === undefined ? undefined : { ...parent, requestId: sentRequestId(requestId) };
}
