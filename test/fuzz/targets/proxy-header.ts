import assert from 'node:assert/strict';
import { isIP } from 'node:net';

import { parseProxyHeader, writeProxyHeaderV1, writeProxyHeaderV2 } from '@rampart/proxy';

import type { FuzzTarget } from '../engine/target.ts';
import { readAtEveryLength } from './opening.ts';

const SIGNATURE = '0d0a0d0a000d0a515549540a';

/** The PROXY protocol: what is read of a header is what a header would be written of. */
export const proxyHeader: FuzzTarget = {
  name: 'proxy-header',
  form: 'bytes',
  seeds: [
    'PROXY TCP4 192.0.2.1 192.0.2.2 1 65535\r\nrest',
    'PROXY TCP6 2001:db8::1 ::ffff:1.2.3.4 80 443\r\n',
    'PROXY UNKNOWN\r\n',
    Buffer.from(`${SIGNATURE}2111000cc0000201c0000202000a0050`, 'hex'),
    Buffer.from(`${SIGNATURE}21210028${'20010db8000000000000000000000001'.repeat(2)}000a005003000101`, 'hex'),
    Buffer.from(`${SIGNATURE}20000000`, 'hex'),
  ],
  words: ['PROXY ', 'TCP4', 'TCP6', 'UNKNOWN', '\r\n', ' ', '%', '::', '0', '65536', Buffer.from(SIGNATURE, 'hex')],
  run: (input) => {
    const parsed = readAtEveryLength(input.subarray(0, 400), parseProxyHeader);
    if (parsed.kind !== 'done') return parsed.kind === 'bad' ? parsed.reason : parsed.kind;
    const { ends } = parsed.value;
    if (ends === undefined) return 'no ends';
    const families = [ends.source, ends.destination].map(({ address, port }) => {
      assert.ok(port >= 0 && port <= 65_535);
      return isIP(address);
    });
    assert.ok(!families.includes(0), 'what is no address is taken for one');
    for (const write of [writeProxyHeaderV1, writeProxyHeaderV2]) {
      const again = parseProxyHeader(Buffer.from(write(ends)));
      assert.equal(again.kind, 'done');
      if (write === writeProxyHeaderV1) assert.deepEqual(again.kind === 'done' && again.value, parsed.value);
    }
    return `v${families.join()}`;
  },
};
