import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { InnerPipe } from './inner-pipe.ts';
import type { PipeTaker } from './inner-pipe.ts';

const TAKER: PipeTaker = {
  isFree: true,
  write: (_, done) => done(),
  resume: () => undefined,
  ended: () => undefined,
  closed: () => undefined,
};

/** What whoever reads does each time that there is something. */
type Conduct = 'all' | 'one' | 'nothing' | 'one back';

function readBy(pipe: InnerPipe, conducts: readonly Conduct[]): () => string {
  let heard = '';
  let turn = 0;
  pipe.on('readable', () => {
    const conduct = conducts[turn] ?? 'all';
    turn += 1;
    if (conduct === 'nothing') return;
    for (;;) {
      const part: unknown = pipe.read();
      if (!Buffer.isBuffer(part)) return;
      if (conduct === 'one back') {
        pipe.unshift(part);
        return;
      }
      heard += part.toString();
      if (conduct === 'one') return;
    }
  });
  return () => {
    for (let part: unknown = pipe.read(); Buffer.isBuffer(part); part = pipe.read()) heard += part.toString();
    return heard;
  };
}

describe('a connection within the process', () => {
  it('gives what is pushed in its order, whenever and however much is read', async () => {
    const conduct = fc.constantFrom<Conduct[]>('all', 'one', 'nothing', 'one back');
    const step = fc.constantFrom('push', 'push', 'push', 'wait');
    const steps = fc.array(step, { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.array(conduct, { maxLength: 8 }), steps, async (conducts, all) => {
        const [near] = InnerPipe.pair();
        near.takenBy(TAKER);
        const rest = readBy(near, conducts);
        let pushed = '';
        for (const [at, each] of all.entries()) {
          if (each === 'wait') await new Promise(setImmediate);
          else {
            near.push(Buffer.from(`${at},`));
            pushed += `${at},`;
          }
        }
        assert.equal(rest(), pushed);
        near.destroy();
      }),
    );
  });

  it('wakes whoever reads again after a part was left', async () => {
    const [near] = InnerPipe.pair();
    near.takenBy(TAKER);
    const heard: string[] = [];
    let isReading = true;
    near.on('readable', () => {
      for (let part: unknown = isReading && near.read(); Buffer.isBuffer(part); part = near.read())
        heard.push(part.toString());
    });
    await new Promise(setImmediate);
    near.read();
    near.push(Buffer.from('a'));
    assert.deepEqual(heard, ['a']);
    isReading = false;
    near.push(Buffer.from('b'));
    isReading = true;
    assert.equal(String(near.read()), 'b');
    near.read();
    near.push(Buffer.from('c'));
    while (heard.length < 2) await new Promise(setImmediate);
    assert.deepEqual(heard, ['a', 'c']);
    near.destroy();
  });

  it('ends for whoever reads at once', async () => {
    const [near] = InnerPipe.pair();
    near.takenBy(TAKER);
    readBy(near, []);
    await new Promise(setImmediate);
    near.push(Buffer.from('a'));
    near.push(null);
    await new Promise((resolve) => near.once('end', resolve));
    near.destroy();
  });
});
