import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { RampartError } from '@rampart/core';

import { breakageOf } from './breakage.ts';

function system(code: string): Error {
  return Object.assign(new Error(code), { code });
}

describe('what a failed try says of its instance', () => {
  type Case = readonly [what: string, error: unknown, wasUsed: boolean, end: 'connect-failure' | 'reset'];
  const cases: readonly Case[] = [
    ['nobody listens there', system('ECONNREFUSED'), false, 'connect-failure'],
    ['the same code on a connection that was used', system('ECONNREFUSED'), true, 'reset'],
    ['it was cut, possibly after the request', system('ECONNRESET'), false, 'reset'],
    ['it timed out, possibly after the request', system('ETIMEDOUT'), false, 'reset'],
    ['somebody else answers there', new RampartError('UPSTREAM_IDENTITY_MISMATCH', 'x'), false, 'connect-failure'],
    ['a connection that a rule gave up', new RampartError('NO_HEALTHY_INSTANCE', 'x'), false, 'connect-failure'],
    ['a policy has changed, possibly after the request', new RampartError('EGRESS_DENIED', 'x'), false, 'reset'],
    ['revoked, possibly after the request', new RampartError('CERTIFICATE_REVOKED', 'x'), false, 'reset'],
    ['whatever else', 'gone', false, 'reset'],
  ];
  for (const [what, error, wasUsed, end] of cases) {
    it(`${what}: ${end}`, () => {
      const { end: actual, wasSent } = breakageOf(error, wasUsed);
      assert.deepEqual([actual, wasSent], [end, end === 'reset']);
    });
  }
});
