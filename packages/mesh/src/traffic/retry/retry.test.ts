import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { RetryCondition } from '@rampart/core';
import fc from 'fast-check';

import { dice } from '../members.fixture.ts';
import type { Outcome, TryEnd } from '../outlier/outcome.ts';
import { retryPause } from './backoff.ts';
import { RetryBudget } from './budget.ts';
import { isRetriable, isSafe } from './conditions.ts';

describe('retry budget', () => {
  it('is never exceeded in any ten seconds, whatever the requests and their retries', () => {
    const step = fc.record({ after: fc.nat(1500), requests: fc.nat(200), wanted: fc.nat(300) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const budget = new RetryBudget();
        const requests: [at: number, count: number][] = [];
        const retries: [at: number, count: number][] = [];
        let now = 0;
        for (const { after, requests: count, wanted } of steps) {
          now += after;
          for (let each = 0; each < count; each += 1) budget.request(now);
          requests.push([now, count]);
          let had = 0;
          for (let each = 0; each < wanted; each += 1) if (budget.take(now)) had += 1;
          retries.push([now, had]);
          const within = (all: readonly (readonly [number, number])[]): number =>
            all.reduce(
              (sum, [at, each]) => (Math.floor(at / 1000) > Math.floor(now / 1000) - 10 ? sum + each : sum),
              0,
            );
          // Requests grow old before the retries that they have paid for.
          if (had > 0) assert.ok(within(retries) <= 0.2 * within(requests) + 100);
        }
      }),
    );
  });

  it('a storm of failing requests is answered with a fifth of retries, not with three times as many', () => {
    const budget = new RetryBudget();
    let retries = 0;
    for (let request = 0; request < 100_000; request += 1) {
      const now = request / 10;
      budget.request(now);
      for (let attempt = 0; attempt < 3; attempt += 1) if (budget.take(now)) retries += 1;
    }
    assert.ok(retries <= 100_000 * 0.2 + 100, `${retries}`);
  });

  it('a service with few requests can always be asked again', () => {
    const budget = new RetryBudget();
    budget.request(0);
    for (let retry = 0; retry < 3; retry += 1) assert.equal(budget.take(retry), true);
  });
});

describe('pause before a retry', () => {
  it('grows, is jittered, and ends', () => {
    const random = dice(1);
    for (let retry = 1; retry < 12; retry += 1) {
      const most = 25 * Math.min(10, 2 ** retry - 1);
      for (let time = 0; time < 20; time += 1) {
        const pause = retryPause(retry, 25, random);
        assert.ok(pause >= 0 && pause <= most);
      }
    }
  });
});

describe('retry_on', () => {
  type Case = readonly [condition: RetryCondition, what: TryEnd | number, grpc: string | undefined, isRetried: boolean];
  const cases: readonly Case[] = [
    ['5xx', 500, undefined, true],
    ['5xx', 'reset', undefined, true],
    ['5xx', 'timeout', undefined, true],
    ['5xx', 'connect-failure', undefined, true],
    ['5xx', 404, undefined, false],
    ['gateway-error', 500, undefined, false],
    ['gateway-error', 502, undefined, true],
    ['gateway-error', 503, undefined, true],
    ['gateway-error', 504, undefined, true],
    ['reset', 'reset', undefined, true],
    ['reset', 'timeout', undefined, true],
    ['reset', 500, undefined, false],
    ['reset-before-request', 'reset', undefined, false],
    ['reset-before-request', 'connect-failure', undefined, true],
    ['connect-failure', 'connect-failure', undefined, true],
    ['connect-failure', 'reset', undefined, false],
    ['connect-failure', 503, undefined, false],
    ['retriable-4xx', 409, undefined, true],
    ['retriable-4xx', 400, undefined, false],
    ['refused-stream', 'refused', undefined, true],
    ['refused-stream', 'reset', undefined, false],
    ['retriable-status-codes', 429, undefined, true],
    ['retriable-status-codes', 430, undefined, false],
    ['unavailable', 200, '14', true],
    ['unavailable', 200, '13', false],
    ['cancelled', 200, '1', true],
    ['deadline-exceeded', 200, '4', true],
    ['resource-exhausted', 200, '8', true],
    ['internal', 200, '13', true],
    ['internal', 200, undefined, false],
  ];
  for (const [condition, what, grpc, isRetried] of cases) {
    it(`${condition}: ${what}${grpc === undefined ? '' : ` with status ${grpc} of gRPC`} is ${isRetried ? '' : 'not '}retried`, () => {
      const settings = { attempts: 1, on: new Set([condition]), statuses: new Set([429]) };
      assert.equal(isRetriable(settings, outcomeOf(what), grpc), isRetried);
    });
  }
});

describe('a retry is safe', () => {
  type Case = readonly [
    what: string,
    method: string,
    end: TryEnd,
    wasSent: boolean,
    canBeRepeated: boolean,
    isSafe: boolean,
  ];
  const cases: readonly Case[] = [
    ['nobody was reached', 'POST', 'connect-failure', false, true, true],
    ['nobody has looked at it', 'POST', 'refused', true, true, true],
    ['it may have been handled', 'POST', 'reset', true, true, false],
    ['it may still be handled', 'POST', 'timeout', true, true, false],
    ['it was handled', 'POST', 'answer', true, true, false],
    ['it means the same when it is repeated', 'PUT', 'reset', true, true, true],
    ['it only reads', 'GET', 'answer', true, true, true],
    ['its body is gone', 'GET', 'connect-failure', false, false, false],
    ['methods that nobody knows', 'CHARGE', 'reset', true, true, false],
  ];
  for (const [what, method, end, wasSent, canBeRepeated, safe] of cases) {
    it(`${what} (${method}): ${safe ? 'yes' : 'no'}`, () => {
      assert.equal(isSafe({ method, wasSent, canBeRepeated }, outcomeOf(end)), safe);
    });
  }
});

function outcomeOf(what: TryEnd | number): Outcome {
  return typeof what === 'number'
    ? { end: 'answer', status: what, milliseconds: 1 }
    : { end: what, status: what === 'answer' ? 500 : 0, milliseconds: 1 };
}
