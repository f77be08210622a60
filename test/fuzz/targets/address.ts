import assert from 'node:assert/strict';
import { BlockList, isIP } from 'node:net';

import { inIpBlock, parseIpAddress, parseIpBlock } from '../../../packages/core/src/policy/match/address/ip-block.ts';
import { outcome, textOf, type FuzzTarget } from '../engine/target.ts';

/** A value of `ipBlocks` and an address to hold against it, on two lines; Node's own reading is the judge. */
export const address: FuzzTarget = {
  name: 'address',
  form: 'text',
  seeds: [
    '10.0.0.0/8\n10.1.2.3',
    '::/0\n::1',
    '192.168.0.1\n192.168.0.1',
    '::ffff:10.0.0.0/104\n10.0.0.1',
    '2001:db8::/33\n2001:db8:8000::1',
    '1.2.3.4\n::ffff:1.2.3.4',
    '0.0.0.0/0\n255.255.255.255',
  ],
  words: [
    '::',
    ':',
    '/',
    '.',
    '/0',
    '/32',
    '/128',
    'ffff:',
    '255',
    '256',
    '0',
    '00',
    '%eth0',
    ' ',
    '\n',
    '+',
    '-',
    'e',
  ],
  run: (input) => {
    const [block = '', text = ''] = textOf(input).split('\n', 2);
    const parsedBlock = parseIpBlock(block);
    const parsed = parseIpAddress(text);
    if (parsed !== undefined) assert.notEqual(isIP(text), 0, `${JSON.stringify(text)} is no address`);
    if (!parsedBlock.ok) return outcome(parsedBlock.problem);
    const [literal = '', prefix] = block.split('/');
    assert.notEqual(isIP(literal), 0, `${JSON.stringify(block)} is no block`);
    if (parsed === undefined) return 'block, no address';
    const matched = inIpBlock(parsedBlock.value, parsed);
    // Node has no notion of a mapped address that is the IPv4 address it carries.
    if (isIP(literal) === isIP(text) && !/ffff:/i.test(block + text)) {
      const family = isIP(literal) === 4 ? 'ipv4' : 'ipv6';
      const list = new BlockList();
      list.addSubnet(literal, prefix === undefined ? (family === 'ipv4' ? 32 : 128) : Number(prefix), family);
      if (!isMapped(literal, family) && !isMapped(text, family))
        assert.equal(matched, list.check(text, family), `${block} and ${text}`);
    }
    return `block and address ${String(matched)}`;
  },
};

/** Other spellings of a mapped address. */
function isMapped(text: string, family: string): boolean {
  return family === 'ipv6' && parseIpAddress(text)?.length === 1;
}
