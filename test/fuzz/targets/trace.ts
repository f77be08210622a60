import assert from 'node:assert/strict';

import { adoptHeaders, formatTraceparent, requestIdOf, sentRequestId, startSpan, traceIdOf } from '@rampart/mesh';

import { textOf, type FuzzTarget } from '../engine/target.ts';

const IDS = { traceId: () => 'a'.repeat(32), spanId: () => 'b'.repeat(16) };

/** `x-request-id` and `traceparent` of a caller, on two lines: they go into logs and on to the next service. */
export const trace: FuzzTarget = {
  name: 'trace',
  form: 'text',
  seeds: [
    '0f8fad5b-d9cb-469f-a165-70867728950e\n00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    '\n',
    'x\n00-00000000000000000000000000000000-0000000000000000-00',
  ],
  words: ['00-', 'ff-', '-01', '\r', '\u0000', '"', ',', 'A', '0'.repeat(32), ' ', '\u2028'],
  run: (input) => {
    const [requestId, traceparent] = textOf(input).split('\n', 2);
    const received = { requestId: sentRequestId(requestId), traceId: traceIdOf(traceparent) ?? IDS.traceId() };
    const span = startSpan({ ...received, spanId: IDS.spanId() }, IDS);
    for (const each of [span, adoptHeaders(span, requestId, traceparent)]) {
      assert.match(formatTraceparent(each), /^00-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]$/);
      assert.match(requestIdOf(each), /^[\w.:-]{1,128}$/, 'a request id that could break a line of a log');
    }
    return `${String(received.requestId === '')} ${String(traceIdOf(traceparent) === undefined)}`;
  },
};
