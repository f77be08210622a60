import assert from 'node:assert/strict';

import { RampartError } from '@rampart/core';
import { readRecordBlock, RecordBlockWriter, type RecordInput } from '@rampart/wire';

import { recordInput } from '../../../packages/wire/src/record-block.fixture.ts';
import { outcome, type FuzzTarget } from '../engine/target.ts';

function block(...records: readonly Partial<RecordInput>[]): Uint8Array {
  const writer = new RecordBlockWriter();
  for (const record of records) writer.append(recordInput(record));
  return writer.finish();
}

/** Access-log records as a data plane sends them. */
export const recordBlock: FuzzTarget = {
  name: 'record-block',
  form: 'bytes',
  seeds: [
    block({}),
    block({}, { path: '/b', responseCode: 503, durationMicros: 2 ** 40 }, { path: '/c', decision: 'DENY' }),
    block(
      ...Array.from({ length: 40 }, (_, index) => ({
        path: `/item/${index}`,
        method: index % 2 === 0 ? 'GET' : 'POST',
      })),
    ),
  ],
  words: [
    Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f),
    Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01),
    Uint8Array.of(0, 0, 0, 0),
    Uint8Array.of(0xff, 0xff, 0xff, 0xff),
    'ALLOW',
  ],
  run: (input) => {
    try {
      const records = readRecordBlock(input);
      for (const record of records) {
        for (const value of Object.values(record))
          assert.ok(typeof value === 'string' || Number.isFinite(value), 'a value of another type');
      }
      return `read ${Math.min(records.length, 8)}`;
    } catch (cause) {
      if (!(cause instanceof RampartError)) throw cause;
      assert.equal(cause.code, 'INVALID_ARGUMENT');
      return outcome(cause.message);
    }
  },
};
