import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { continueTrace, formatTraceparent, startSpan } from './trace.ts';

const ids = { requestId: () => 'new-request', traceId: () => 'a'.repeat(32), spanId: () => 'b'.repeat(16) };
const TRACE = '0af7651916cd43dd8448eb211c80319c';

describe('trace', () => {
  const cases: readonly (readonly [rule: string, traceparent: string | undefined, expected: string])[] = [
    ['a well-formed header is continued', `00-${TRACE}-b7ad6b7169203331-01`, TRACE],
    ['no header starts a trace', undefined, 'a'.repeat(32)],
    ['an all-zero trace id is invalid', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, 'a'.repeat(32)],
    ['upper case is invalid', `00-${TRACE.toUpperCase()}-b7ad6b7169203331-01`, 'a'.repeat(32)],
    ['a longer header is not ours to read', `00-${TRACE}-b7ad6b7169203331-01-extra`, 'a'.repeat(32)],
  ];
  for (const [rule, traceparent, expected] of cases) {
    it(rule, () => assert.equal(continueTrace(undefined, traceparent, ids).traceId, expected));
  }

  it('a caller’s request id is kept, a hostile one is not', () => {
    assert.equal(continueTrace('abc123-def456', undefined, ids).requestId, 'abc123-def456');
    for (const hostile of ['', 'a b', 'x\u001b[31m', 'y'.repeat(129), '<script>']) {
      assert.equal(continueTrace(hostile, undefined, ids).requestId, 'new-request');
    }
  });

  it('a call made while handling a request belongs to its trace, with a span of its own', () => {
    const parent = { requestId: 'r', traceId: TRACE, spanId: 'c'.repeat(16) };
    const span = startSpan(parent, ids);
    assert.deepEqual(span, { requestId: 'r', traceId: TRACE, spanId: 'b'.repeat(16) });
    assert.equal(formatTraceparent(span), `00-${TRACE}-${'b'.repeat(16)}-01`);
  });
});
