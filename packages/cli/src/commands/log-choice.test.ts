import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readEntries } from '../render/log-records.ts';
import { isWanted } from './log-choice.ts';

const ORDERS = 'orders-api.default.svc';

describe('which of the two records of a request is shown', () => {
  for (const [rule, record, isShown] of [
    ['the destination’s', { reporter: 'destination', destination_service: ORDERS }, true],
    ['and not the source’s', { reporter: 'source', destination_service: ORDERS, response_flags: '-' }, false],
    [
      'the source’s of what never arrived',
      { reporter: 'source', destination_service: ORDERS, response_flags: 'UO' },
      true,
    ],
    [
      'the source’s of what its own side denied',
      { reporter: 'source', destination_service: ORDERS, response_flags: 'UAEX' },
      true,
    ],
    [
      'the source’s of what it waited for no longer',
      { reporter: 'source', destination_service: ORDERS, response_flags: 'UT,DI' },
      true,
    ],
    [
      'the source’s of what left the mesh',
      { reporter: 'source', destination_service: 'api.payments.example', response_flags: '-' },
      true,
    ],
  ] as const)
    it(rule, () => {
      const [entry] = readEntries({ records: [JSON.stringify(record)], connections: [] });
      assert.ok(entry !== undefined);
      assert.equal(isWanted(entry, undefined), isShown);
      assert.equal(isWanted(entry, 'both'), true);
    });
});
