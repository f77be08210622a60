import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { Breaker } from './breaker.ts';
import type { Waiter } from './breaker.ts';

function waiter(): Waiter & { isIn: boolean } {
  return {
    isIn: false,
    admitted() {
      this.isIn = true;
    },
  };
}

describe('circuit breaker', () => {
  it('lets in, lets wait, and refuses', () => {
    const breaker = new Breaker({ requests: 1, pending: 1 });
    const [first, second, third] = [waiter(), waiter(), waiter()];
    assert.equal(breaker.enter(first), 'in');
    assert.equal(breaker.enter(second), 'waiting');
    assert.equal(breaker.enter(third), 'overflow');
    breaker.leave();
    assert.equal(second.isIn, true);
    assert.equal(breaker.enter(third), 'waiting');
  });

  it('what does not wait is let in or refused, and takes the same room', () => {
    const breaker = new Breaker({ requests: 1 });
    const waiting = waiter();
    assert.equal(breaker.enterNow(), true);
    assert.equal(breaker.enterNow(), false);
    assert.deepEqual([breaker.turnedAway, breaker.opened], [1, 1]);
    assert.equal(breaker.enter(waiting), 'waiting');
    breaker.leave();
    assert.equal(waiting.isIn, true);
  });

  it('who has gone is not let in', () => {
    const breaker = new Breaker({ requests: 1 });
    const [first, second, third] = [waiter(), waiter(), waiter()];
    for (const each of [first, second, third]) breaker.enter(each);
    breaker.giveUp(second);
    breaker.leave();
    assert.deepEqual([second.isIn, third.isIn], [false, true]);
  });

  it('no more requests and no more waiters than there may be, and nobody waits beside room', () => {
    const step = fc.constantFrom('enter', 'leave', 'giveUp');
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 200 }),
        fc.integer({ min: 1, max: 5 }),
        fc.nat(5),
        (steps, requests, pending) => {
          const breaker = new Breaker({ requests, pending });
          const inside = new Set<Waiter>();
          const waiting = new Set<Waiter>();
          for (const each of steps) {
            const [one] = inside;
            const [next] = waiting;
            if (each === 'enter') {
              const fresh: Waiter = {
                admitted: () => {
                  waiting.delete(fresh);
                  inside.add(fresh);
                },
              };
              const admission = breaker.enter(fresh);
              if (admission === 'in') inside.add(fresh);
              if (admission === 'waiting') waiting.add(fresh);
            } else if (each === 'leave' && one !== undefined) {
              inside.delete(one);
              breaker.leave();
            } else if (each === 'giveUp' && next !== undefined) {
              waiting.delete(next);
              breaker.giveUp(next);
            }
            assert.equal(breaker.requests, inside.size);
            assert.equal(breaker.waiting, waiting.size);
            assert.ok(inside.size <= requests && waiting.size <= pending);
            assert.ok(waiting.size === 0 || inside.size === requests);
          }
        },
      ),
    );
  });
});
