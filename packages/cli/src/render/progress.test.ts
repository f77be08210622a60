import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Clock } from '@rampart/core';
import { Progress } from './progress.ts';

/** What is written when something is said every 50 ms for a while. */
function written(isTerminal: boolean, seconds: number): string {
  let now = 1_000;
  let text = '';
  const clock: Clock = { now: () => now, after: () => ({ cancel: () => undefined }) };
  const progress = new Progress({ isTerminal, columns: 80, write: (more) => (text += more) }, clock);
  for (let step = 0; step < seconds * 20; step += 1) {
    progress.say(`step ${step}`);
    now += 50;
  }
  progress.end();
  return text;
}

suite('progress', () => {
  test('is one line on a terminal, which goes away', () => {
    const text = written(true, 1);
    assert.equal(text.includes('\n'), false);
    assert.equal(text.split('\r\u001b[2K').length, 12);
    assert.match(text, /^\r\u001b\[2Kstep 0\r\u001b\[2Kstep 2\r/);
    assert.ok(text.endsWith('\r\u001b[2K'));
  });
  test('is nothing in a file when it is soon over, and a line now and then when it is not', () => {
    assert.equal(written(false, 4), '');
    assert.equal(written(false, 11), 'step 100\nstep 200\n');
  });
});
