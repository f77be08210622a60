import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { adoptHeaders, formatTraceparent, requestIdOf, sentRequestId, startSpan, traceIdOf } from './trace.ts';

const ids = { traceId: () => 'a'.repeat(32), spanId: () => 'b'.repeat(16) };
const TRACE = '0af7651916cd43dd8448eb211c80319c';

describe('trace', () => {
  const cases: readonly (readonly [rule: string, traceparent: string | undefined, expected: string | undefined])[] = [
    ['a well-formed header is continued', `00-${TRACE}-b7ad6b7169203331-01`, TRACE],
    ['no header has no trace id', undefined, undefined],
    ['an all-zero trace id is invalid', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, undefined],
    ['upper case is invalid', `00-${TRACE.toUpperCase()}-b7ad6b7169203331-01`, undefined],
    ['a longer header is not ours to read', `00-${TRACE}-b7ad6b7169203331-01-extra`, undefined],
    ['a later version is not ours to read', `01-${TRACE}-b7ad6b7169203331-01`, undefined],
    ['letters beyond f are invalid', `00-${TRACE.replace('a', 'g')}-b7ad6b7169203331-01`, undefined],
    ['a parent id that is no hex is invalid', `00-${TRACE}-b7ad6b716920333z-01`, undefined],
    ['flags that are no hex are invalid', `00-${TRACE}-b7ad6b7169203331-0x`, undefined],
    ['other separators are invalid', `00-${TRACE}_b7ad6b7169203331-01`, undefined],
  ];
  for (const [rule, traceparent, expected] of cases) {
    it(rule, () => assert.equal(traceIdOf(traceparent), expected));
  }

  it('a caller’s request id is kept, a hostile one is not', () => {
    assert.equal(sentRequestId('abc123-def456'), 'abc123-def456');
    for (const hostile of ['', 'a b', 'x\u001b[31m', 'y'.repeat(129), '<script>']) {
      assert.equal(sentRequestId(hostile), '');
    }
  });

  it('a call made while handling a request belongs to its trace, with a span of its own', () => {
    const parent = { requestId: 'r', traceId: TRACE, spanId: 'c'.repeat(16) };
    const span = startSpan(parent, ids);
    assert.deepEqual(span, { requestId: 'r', traceId: TRACE, spanId: 'b'.repeat(16) });
    assert.equal(formatTraceparent(span), `00-${TRACE}-${'b'.repeat(16)}-01`);
  });

  it('a request without an id of its own is named after its trace', () => {
    assert.equal(requestIdOf({ requestId: '', traceId: TRACE, spanId: '' }), TRACE);
    assert.equal(requestIdOf({ requestId: 'mine', traceId: TRACE, spanId: '' }), 'mine');
  });

  it('what the application puts on a call wins, and never changes the request id by the way', () => {
    const span = { requestId: '', traceId: TRACE, spanId: 'b'.repeat(16) };
    const other = `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`;
    assert.equal(adoptHeaders(span, 'mine', undefined).requestId, 'mine');
    assert.equal(requestIdOf(adoptHeaders(span, undefined, other)), requestIdOf(span));
    assert.equal(adoptHeaders(span, undefined, other).traceId, 'c'.repeat(32));
  });
});
