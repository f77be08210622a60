import assert from 'node:assert/strict';

import { encodeResponse, encodeTruncated, parseQuery, RCODE, refusal } from '@rampart/wire/dns';

import type { FuzzTarget } from '../engine/target.ts';

const HEADER = '1234010000010000000000';
const QUESTION = '03777777026462000001 0001'.replace(' ', '');

/** Queries of DNS: whatever is answered fits, and its question is the one that was asked. */
export const dnsQuery: FuzzTarget = {
  name: 'dns-query',
  form: 'bytes',
  seeds: [
    `${HEADER}00${QUESTION}`,
    `12340100000100000000000103646200001c00010000290fa0000000000000`,
    `12348100000100000000000${QUESTION}`.padEnd(52, '0'),
    '123401000001000000000000c00c00010001',
  ].map((hex) => Buffer.from(hex, 'hex')),
  words: [
    Buffer.of(0xc0, 0x0c),
    Buffer.of(0, 1, 0, 1),
    Buffer.of(0, 0x29),
    Buffer.of(63),
    'db',
    Buffer.of(0),
    Buffer.of(255),
  ],
  run: (input) => {
    const parsed = parseQuery(input);
    if (parsed.kind === 'noise') return 'noise';
    const { id, recursionDesired, question, edns } = parsed.kind === 'bad' ? parsed.bad : parsed.query;
    const envelope = { id, recursionDesired, recursionAvailable: true, question, edns, limit: 512 };
    const address = { owner: undefined, ttl: 5, data: { type: 'A', address: '127.64.0.1' } } as const;
    const answers = parsed.kind === 'query' ? [address] : [];
    const whole = encodeResponse(envelope, { ...refusal(RCODE.NOERROR), authoritative: true, answers });
    assert.ok(whole.length <= 512);
    assert.deepEqual(whole.subarray(0, 2), Uint8Array.from(input.subarray(0, 2)));
    if (question !== undefined) {
      assert.deepEqual(whole.subarray(12, 12 + question.bytes.length), Uint8Array.from(question.bytes));
      assert.ok(encodeTruncated(envelope).length <= Math.max(input.length, 12 + question.bytes.length + 11));
    }
    return parsed.kind === 'bad'
      ? `bad ${parsed.bad.rcode}`
      : `query ${parsed.query.question.labels.length} ${String(edns !== undefined)}`;
  },
};
