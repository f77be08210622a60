import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import {
  adoptHeaders,
  formatTraceparent,
  parentOf,
  requestIdOf,
  sentRequestId,
  startSpan,
  traceIdOf,
} from './trace.ts';

const ids = { traceId: () => 'a'.repeat(32), spanId: () => 'b'.repeat(16) };
const TRACE = '0af7651916cd43dd8448eb211c80319c';

describe('trace', () => {
  const cases: readonly (readonly [rule: string, traceparent: string | undefined, expected: string | undefined])[] = [
    ['a well-formed header is continued', `00-${TRACE}-b7ad6b7169203331-01`, TRACE],
    ['no header has no trace id', undefined, undefined],
    ['an all-zero trace id is invalid', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, undefined],
    ['upper case is invalid', `00-${TRACE.toUpperCase()}-b7ad6b7169203331-01`, undefined],
    ['a longer header of version 00 is invalid', `00-${TRACE}-b7ad6b7169203331-01-extra`, undefined],
    ['of a later version, what version 00 knows is read', `01-${TRACE}-b7ad6b7169203331-01`, TRACE],
    ['what a later version adds is passed over', `cc-${TRACE}-b7ad6b7169203331-01-what-the-future-holds`, TRACE],
    ['what a later version adds has a separator', `cc-${TRACE}-b7ad6b7169203331-01.what`, undefined],
    ['version ff is invalid', `ff-${TRACE}-b7ad6b7169203331-01`, undefined],
    ['a version that is no hex is invalid', `.0-${TRACE}-b7ad6b7169203331-01`, undefined],
    ['an all-zero parent id is invalid', `00-${TRACE}-${'0'.repeat(16)}-01`, undefined],
    ['a header without flags is invalid', `00-${TRACE}-b7ad6b7169203331`, undefined],
    ['two headers are invalid', `00-${TRACE}-b7ad6b7169203331-01, 00-${TRACE}-b7ad6b7169203331-01`, undefined],
    ['space around it is invalid', ` 00-${TRACE}-b7ad6b7169203331-01`, undefined],
    ['a header without end is invalid', `01-${TRACE}-b7ad6b7169203331-01-${'x'.repeat(1000)}`, undefined],
    ['letters beyond f are invalid', `00-${TRACE.replace('a', 'g')}-b7ad6b7169203331-01`, undefined],
    ['a parent id that is no hex is invalid', `00-${TRACE}-b7ad6b716920333z-01`, undefined],
    ['flags that are no hex are invalid', `00-${TRACE}-b7ad6b7169203331-0x`, undefined],
    ['other separators are invalid', `00-${TRACE}_b7ad6b7169203331-01`, undefined],
  ];
  for (const [rule, traceparent, expected] of cases) {
    it(rule, () => assert.equal(traceIdOf(traceparent), expected));
  }

  const flags: readonly (readonly [rule: string, received: string, sent: string])[] = [
    ['sampled stays sampled', '00-01', '01'],
    ['not sampled stays not sampled', '00-00', '00'],
    ['a random trace id stays known as one', '00-03', '03'],
    ['flags that nobody knows are not passed on', '00-ff', '03'],
    ['of a later version, sampled alone is known', '01-03', '01'],
  ];
  for (const [rule, received, sent] of flags) {
    it(rule, () => {
      const [version = '', flag = ''] = received.split('-');
      const parent = parentOf(`${version}-${TRACE}-b7ad6b7169203331-${flag}`);
      assert.ok(parent !== undefined);
      const span = startSpan({ ...parent, requestId: '' }, ids);
      assert.equal(formatTraceparent(span), `00-${TRACE}-${'b'.repeat(16)}-${sent}`);
      assert.equal(span.parentSpanId, 'b7ad6b7169203331');
    });
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
    assert.deepEqual(span, {
      requestId: 'r',
      traceId: TRACE,
      spanId: 'b'.repeat(16),
      parentSpanId: 'c'.repeat(16),
      traceFlags: '01',
    });
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
    assert.equal(adoptHeaders(span, undefined, other).parentSpanId, 'd'.repeat(16));
  });
});
