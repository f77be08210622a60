import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FewAtOnce } from './few-at-once.ts';

describe('work of which few may be under way', () => {
  const turns = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

  it('waits for its place, in order, and leaves the line when it is told to end', async () => {
    const few = new FewAtOnce(2);
    const begun: number[] = [];
    const ends: (() => void)[] = [];
    const never = new AbortController();
    const late = new AbortController();
    const work = (name: number) => (): Promise<number> => {
      begun.push(name);
      return new Promise((resolve) => ends.push(() => resolve(name)));
    };
    const results = [1, 2, 3, 4].map((name) => few.run(work(name), (name === 3 ? late : never).signal));
    await turns();
    assert.deepEqual(begun, [1, 2]);
    late.abort(new Error('late'));
    await assert.rejects(results[2] ?? Promise.resolve(), /late/);
    ends[0]?.();
    assert.equal(await results[0], 1);
    await turns();
    assert.deepEqual(begun, [1, 2, 4]);
    for (const end of ends) end();
    assert.deepEqual(await Promise.all([results[1], results[3]]), [2, 4]);
    assert.equal(await few.run(() => Promise.resolve(5), never.signal), 5);
  });

  it('keeps its place for as long as it takes, whoever still wants it', async () => {
    const few = new FewAtOnce(1);
    const gone = new AbortController();
    let end: () => void = () => undefined;
    const hanging = few.run(() => new Promise<void>((resolve) => (end = resolve)), gone.signal);
    gone.abort(new Error('gone'));
    await assert.rejects(hanging, /gone/);
    let isRun = false;
    const next = few.run(async () => void (isRun = true), new AbortController().signal);
    await turns();
    assert.equal(isRun, false);
    end();
    await next;
    assert.equal(isRun, true);
  });

  it('that fails gives its place away', async () => {
    const few = new FewAtOnce(1);
    const { signal } = new AbortController();
    await assert.rejects(
      few.run(() => Promise.reject(new Error('no')), signal),
      /no/,
    );
    assert.equal(await few.run(() => Promise.resolve('yes'), signal), 'yes');
  });
});
