import assert from 'node:assert/strict';
import { isIP } from 'node:net';

import { clientAddress } from '@rampart/core';

import { textOf, type FuzzTarget } from '../engine/target.ts';

const PEER = '192.0.2.1';

/** `X-Forwarded-For`: whatever stands in it, only what a trusted proxy wrote counts, and only an address does. */
export const forwardedFor: FuzzTarget = {
  name: 'forwarded-for',
  form: 'text',
  seeds: [
    '1.2.3.4',
    '1.2.3.4, 5.6.7.8',
    '::1, 2001:db8::1',
    '::ffff:1.2.3.4',
    'unknown, 1.2.3.4',
    '1.2.3.4:80',
    '',
    ',,,',
  ],
  words: [',', ', ', ' ', '::', '::ffff:', '1.2.3.4', ':80', '[', ']', '%eth0', '"', '\t', '\u0000', 'for='],
  run: (input) => {
    const text = textOf(input);
    assert.equal(clientAddress(text, 0, PEER), PEER, 'nobody is trusted, and the header counts');
    assert.equal(clientAddress(undefined, 2, PEER), PEER);
    const found = [1, 2, 3].map((trusted) => {
      const address = clientAddress(text, trusted, PEER);
      assert.notEqual(isIP(address), 0, 'what is no address is taken for one');
      if (address === PEER) return 'peer';
      assert.equal(clientAddress(`6.6.6.6,${text}`, trusted, PEER), address, 'what the caller put in front counts');
      return `v${isIP(address)}`;
    });
    return found.join(' ');
  },
};
