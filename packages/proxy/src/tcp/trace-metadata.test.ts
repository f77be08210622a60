import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { readTrace, writeTrace } from './trace-metadata.ts';

const TRACE = { requestId: '', traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const text = (value: string): Uint8Array => Buffer.from(value, 'latin1');

describe('a trace along with a stream', () => {
  for (const trace of [TRACE, { ...TRACE, requestId: 'mine-1' }]) {
    it(`is read as it was written: ${JSON.stringify(trace.requestId)}`, () => {
      assert.deepEqual(readTrace(writeTrace(trace)), { ...trace, traceFlags: '01' });
    });
  }

  const traceparent = Buffer.from(writeTrace(TRACE)).toString();
  const cases: readonly [rule: string, metadata: Uint8Array | undefined, requestId: string | undefined][] = [
    ['nothing', undefined, undefined],
    ['nothing at all', text(''), undefined],
    ['a later version', text(traceparent.replace('00-', '01-')), ''],
    ['a version that is none', text(traceparent.replace('00-', 'ff-')), undefined],
    ['a span that is none', text(traceparent.replace('b7ad6b7169203331', '0'.repeat(16))), undefined],
    ['more than anybody means', text(`${traceparent}\n${'x'.repeat(300)}`), undefined],
    ['a request id that could break a line of a log', text(`${traceparent}\na b`), ''],
  ];
  for (const [rule, metadata, requestId] of cases) {
    it(rule, () => assert.equal(readTrace(metadata)?.requestId, requestId));
  }
});
