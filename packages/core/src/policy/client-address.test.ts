import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { compile, connectionOf } from '../testing/calls.ts';
import { policyOf } from '../testing/documents.ts';
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

it('without HTTP the client is whom a load balancer speaks for, and the source the load balancer', () => {
  const over = (rule: string, clientIp?: string): string => {
    const connection = { ...connectionOf({ sourceIp: '10.0.0.1' }), ...(clientIp !== undefined && { clientIp }) };
    return `${policies[rule]?.forConnection(connection).evaluateTcp().decision ?? ''} by ${rule}`;
  };
  const policies: Readonly<Record<string, ReturnType<typeof compile>>> = {
    client: compile([policyOf('- from: [{source: {remoteIpBlocks: [203.0.113.7]}}]')]),
    source: compile([policyOf('- from: [{source: {ipBlocks: [10.0.0.1]}}]')]),
  };
  assert.deepEqual(
    [over('client', '203.0.113.7'), over('client', '203.0.113.8'), over('client'), over('source', '203.0.113.8')],
    ['ALLOW by client', 'DENY by client', 'DENY by client', 'ALLOW by source'],
  );
});
