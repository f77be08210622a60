import assert from 'node:assert/strict';
import { isIP } from 'node:net';

import { parseGreeting, parseRequest } from '@rampart/proxy';

import type { FuzzTarget } from '../engine/target.ts';
import { readAtEveryLength } from './opening.ts';

const REQUESTS = ['05010001c000020100500d0a', '0501000302646215380000', `05010004${'20010db8'.repeat(4)}01bb`];

/** SOCKS 5 (RFC 1928): the first byte says what is read, a greeting (0) or a request. */
export const socks: FuzzTarget = {
  name: 'socks',
  form: 'bytes',
  seeds: ['00050100', '0005020002', ...REQUESTS.map((request) => `01${request}`)].map((hex) => Buffer.from(hex, 'hex')),
  words: ['\u0005', '\u0000', '\u0001', '\u0003', '\u0004', 'db.default.svc', '127.0.0.1', '::1', '.', '%', '\u007f'],
  run: (input) => {
    const rest = input.subarray(1);
    if (input[0] === 0) return `greeting ${readAtEveryLength(rest, parseGreeting).kind}`;
    const parsed = readAtEveryLength(rest.subarray(0, 600), parseRequest);
    if (parsed.kind !== 'done') return parsed.kind;
    assert.ok(parsed.length <= 262 || parsed.value.kind === 'refused');
    if (parsed.value.kind === 'refused') return `refused ${parsed.value.reply}`;
    const { host, port } = parsed.value.destination;
    assert.match(host, /^[\w.:-]+$/, 'a name that could mean something else elsewhere');
    assert.ok(port >= 1 && port <= 65_535);
    return `connect v${isIP(host)}`;
  },
};
