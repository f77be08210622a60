import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { INSTANCE, type InstanceAction, type InstanceState } from './instance-model.ts';
import { contradictionIn, type Operation } from './linearizable.ts';

type Span = readonly [from: number, to: number, action: InstanceAction, outcome?: Operation<InstanceAction>['outcome']];

const register = (port: number, grant?: number): InstanceAction => ({
  kind: 'register',
  place: { service: 'web', port, ...(grant === undefined ? {} : { grant }) },
});
const look = (port: number, service = 'web'): InstanceAction => ({ kind: 'look', service, port });
const deregister = (found?: boolean): InstanceAction => ({ kind: 'deregister', found });
const renew = (found: boolean, grant: number): InstanceAction => ({ kind: 'renew', found, grant });

function history(spans: readonly Span[]): Operation<InstanceAction>[] {
  return spans.map(([from, to, action, outcome = 'answered'], index): Operation<InstanceAction> => ({
    by: `caller ${index}`,
    from,
    to,
    action,
    outcome,
  }));
}

const POSSIBLE: Readonly<Record<string, readonly Span[]>> = {
  'nothing happened': [],
  'one after the other': [
    [0, 1, register(1)],
    [2, 3, look(1)],
    [4, 5, deregister(true)],
    [6, 7, look(0)],
    [8, 9, deregister(false)],
  ],
  'a look beside a registration sees it or not': [
    [0, 10, register(1)],
    [1, 2, look(0)],
    [3, 4, look(1)],
    [5, 6, look(1)],
  ],
  'two registrations at once: either may be the last': [
    [0, 10, register(1)],
    [0, 10, register(2)],
    [11, 12, look(1)],
  ],
  'what nobody answered came about': [
    [0, 1, register(1)],
    [2, 9, register(2), 'unknown'],
    [3, 4, look(1)],
    [5, 6, look(2)],
    [10, 11, look(2)],
  ],
  'what nobody answered did not come about': [
    [0, 1, register(1)],
    [2, 9, deregister(), 'unknown'],
    [10, 11, look(1)],
  ],
  'several that nobody answered, in the order that explains the rest': [
    [0, 9, register(1), 'unknown'],
    [0, 9, register(2), 'unknown'],
    [0, 9, deregister(), 'unknown'],
    [1, 2, look(2)],
    [3, 4, look(0)],
    [5, 6, look(1)],
  ],
  'a lease that was not renewed ended': [
    [0, 1, register(1, 100)],
    [1000, 9000, { kind: 'expire', grant: 100 }, 'due'],
    [1200, 1201, look(0)],
    [1300, 1301, renew(false, 101)],
  ],
  'a registration that moves an instance': [
    [0, 1, register(1)],
    [2, 3, { kind: 'register', place: { service: 'shop', port: 2 } }],
    [4, 5, look(0)],
    [4, 5, look(2, 'shop')],
  ],
};

const IMPOSSIBLE: Readonly<Record<string, readonly Span[]>> = {
  'seen before anybody registered it': [[0, 1, look(1)]],
  'an acknowledged registration is lost': [
    [0, 1, register(1)],
    [2, 3, look(0)],
  ],
  'an acknowledged deregistration is undone': [
    [0, 1, register(1)],
    [2, 3, deregister(true)],
    [4, 5, look(1)],
  ],
  'an old answer': [
    [0, 1, register(1)],
    [2, 3, register(2)],
    [4, 5, look(1)],
  ],
  'two looks, one after the other, that see a change in two orders': [
    [0, 10, register(1)],
    [1, 2, look(1)],
    [3, 4, look(0)],
  ],
  'two lookers who see two changes in two orders': [
    [0, 1, register(9)],
    [2, 20, register(1)],
    [2, 20, register(2)],
    [3, 4, look(1)],
    [5, 6, look(2)],
    [7, 8, look(1)],
  ],
  'a deregistration finds what was never there': [[0, 1, deregister(true)]],
  'two deregistrations both find one registration': [
    [0, 1, register(1)],
    [2, 9, deregister(true)],
    [2, 9, deregister(true)],
  ],
  'what nobody answered comes about twice': [
    [0, 9, register(1), 'unknown'],
    [1, 2, look(1)],
    [3, 4, deregister(true)],
    [5, 6, look(1)],
  ],
  'what nobody answered comes about after it no longer could': [
    [0, 5, register(1), 'unknown'],
    [6, 7, look(0)],
    [8, 9, look(1)],
  ],
  'a lease ends before its time': [
    [0, 1, register(1, 100)],
    [1000, 9000, { kind: 'expire', grant: 100 }, 'due'],
    [900, 901, look(0)],
  ],
  'a lease ends although it was renewed': [
    [0, 1, register(1, 100)],
    [500, 501, renew(true, 101)],
    [1000, 9000, { kind: 'expire', grant: 100 }, 'due'],
    [1500, 9000, { kind: 'expire', grant: 101 }, 'due'],
    [1200, 1201, look(0)],
  ],
  'a lease that ended is renewed': [
    [0, 1, register(1, 100)],
    [1000, 9000, { kind: 'expire', grant: 100 }, 'due'],
    [1200, 1201, look(0)],
    [1300, 1301, renew(true, 101)],
  ],
  'a lease never ends': [
    [0, 1, register(1, 100)],
    [1000, 9000, { kind: 'expire', grant: 100 }, 'due'],
    [9100, 9101, look(1)],
  ],
  'a moved instance is at its old place too': [
    [0, 1, register(1)],
    [2, 3, { kind: 'register', place: { service: 'shop', port: 2 } }],
    [4, 5, look(1)],
  ],
};

describe('a history of one instance', () => {
  for (const [name, spans] of Object.entries(POSSIBLE)) {
    it(`is possible: ${name}`, () => assert.equal(contradictionIn(history(spans), INSTANCE), undefined));
  }
  for (const [name, spans] of Object.entries(IMPOSSIBLE)) {
    it(`is refused: ${name}`, () => assert.notEqual(contradictionIn(history(spans), INSTANCE), undefined));
  }

  it('what is refused names the operation, what was beside it and what was possible', () => {
    const found = contradictionIn(
      history([
        [0, 1, register(1)],
        [2, 9, register(2)],
        [3, 4, look(7)],
      ]),
      INSTANCE,
    );
    assert.deepEqual(found?.operation.action, look(7));
    assert.deepEqual(
      found.beside.map(({ action }) => action),
      [register(2)],
    );
    assert.deepEqual(found.states, ['web:1/-']);
  });

  it('agrees with trying every order, on histories that somebody threw dice for', () => {
    const action = fc.oneof(
      fc.integer({ min: 1, max: 2 }).map((port) => register(port)),
      fc.integer({ min: 0, max: 2 }).map((port) => look(port)),
      fc.boolean().map((found) => deregister(found)),
    );
    const span = fc.record({
      action,
      from: fc.integer({ min: 0, max: 8 }),
      length: fc.integer({ min: 0, max: 5 }),
      outcome: fc.constantFrom('answered' as const, 'unknown' as const),
    });
    const verdicts = { possible: 0, impossible: 0 };
    fc.assert(
      fc.property(fc.array(span, { maxLength: 5 }), (spans) => {
        const operations = spans.map(({ length, ...span }): Operation<InstanceAction> => ({
          ...span,
          by: '',
          to: span.from + length,
        }));
        const isPossible = contradictionIn(operations, INSTANCE) === undefined;
        verdicts[isPossible ? 'possible' : 'impossible'] += 1;
        assert.equal(isPossible, someOrderExplains(operations));
      }),
      { numRuns: 3000, seed: 5 },
    );
    assert.ok(verdicts.possible > 300 && verdicts.impossible > 300, JSON.stringify(verdicts));
  });
});

/** The definition, word by word: any order that keeps what was over before something else began. */
function someOrderExplains(
  operations: readonly Operation<InstanceAction>[],
  state: InstanceState = INSTANCE.initial,
): boolean {
  if (operations.every(({ outcome }) => outcome === 'unknown')) return true;
  return operations.some((next) => {
    const others = operations.filter((each) => each !== next);
    if (others.some(({ to }) => to < next.from)) return false;
    if (next.outcome === 'unknown' && someOrderExplains(others, state)) return true;
    const after = INSTANCE.step(state, next.action);
    return after !== undefined && someOrderExplains(others, after);
  });
}
