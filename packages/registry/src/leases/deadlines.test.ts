import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Deadlines } from './deadlines.ts';
import { FakeClock } from './fake-clock.ts';

const step = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), id: fc.nat({ max: 5 }), milliseconds: fc.nat({ max: 50 }) }),
  fc.record({ kind: fc.constant('delete' as const), id: fc.nat({ max: 5 }), milliseconds: fc.constant(0) }),
  fc.record({ kind: fc.constant('advance' as const), id: fc.constant(0), milliseconds: fc.nat({ max: 40 }) }),
);

describe('deadlines', () => {
  it('are called once each, at their time, however they are set, moved and deleted', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const clock = new FakeClock(0);
        const expected = new Map<string, number>();
        const deadlines = new Deadlines(clock, (id) => {
          assert.equal(expected.get(id), clock.now(), 'neither early nor late');
          expected.delete(id);
        });
        for (const { kind, id, milliseconds } of [...steps, { kind: 'advance' as const, id: 0, milliseconds: 100 }]) {
          if (kind === 'advance') clock.advance(milliseconds);
          else if (kind === 'delete') {
            deadlines.delete(`${id}`);
            expected.delete(`${id}`);
          } else {
            deadlines.set(`${id}`, milliseconds);
            expected.set(`${id}`, clock.now() + milliseconds);
          }
          for (const at of expected.values()) assert.ok(at >= clock.now(), 'nothing is forgotten');
          assert.equal(deadlines.size, expected.size);
        }
        assert.equal(expected.size, 0);
      }),
    );
  });

  it('of one moment do not hold the loop: they are called in parts, and one that is moved in between is not', () => {
    const clock = new FakeClock(0);
    let called = 0;
    const deadlines = new Deadlines(clock, () => (called += 1));
    for (let id = 0; id < 1000; id += 1) deadlines.set(`${id}`, 10);
    clock.advance(10);
    assert.ok(called < 1000, 'a part');
    for (let id = 0; id < 1000; id += 1) if (deadlines.has(`${id}`)) deadlines.set(`${id}`, 1000);
    const early = called;
    clock.advance(999);
    assert.equal(called, early);
    clock.advance(200);
    assert.deepEqual([called, deadlines.size], [1000, 0]);
  });

  it('may be set again while they are called', () => {
    const clock = new FakeClock(0);
    const called: number[] = [];
    const deadlines = new Deadlines(clock, (id) => {
      called.push(clock.now());
      if (called.length < 3) deadlines.set(id, 10);
    });
    deadlines.set('a', 10);
    clock.advance(100);
    assert.deepEqual(called, [10, 20, 30]);
  });
});
