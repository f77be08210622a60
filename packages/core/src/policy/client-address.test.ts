import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { clientAddress } from './client-address.ts';

const PEER = '10.0.0.9';

describe('the address of the client', () => {
  const cases: readonly (readonly [string, string | undefined, number, string])[] = [
    ['no proxy is trusted: the peer, whatever the header says', '1.1.1.1', 0, PEER],
    ['no header: the peer', undefined, 1, PEER],
    ['one proxy: the last address', '6.6.6.6, 1.1.1.1', 1, '1.1.1.1'],
    ['two proxies: the last but one', '6.6.6.6, 1.1.1.1, 2.2.2.2', 2, '1.1.1.1'],
    ['exactly as many addresses as proxies', '1.1.1.1,2.2.2.2', 2, '1.1.1.1'],
    ['fewer addresses than proxies: the peer', '1.1.1.1', 2, PEER],
    ['no address: the peer', 'unknown', 1, PEER],
    ['an address with a port is none', '1.1.1.1:80', 1, PEER],
    ['an empty entry is none', '1.1.1.1, ', 1, PEER],
    ['IPv6', '2001:db8::1', 1, '2001:db8::1'],
    ['IPv4 in IPv6', '::ffff:1.1.1.1', 1, '1.1.1.1'],
  ];
  for (const [name, header, trusted, expected] of cases) {
    it(name, () => assert.equal(clientAddress(header, trusted, PEER), expected));
  }
});
