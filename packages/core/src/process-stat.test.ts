import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readProcessStat } from './process-stat.ts';

const stat = (name: string, state: string): string =>
  `4242 (${name}) ${state} 1 4242 4242 0 -1 4194304 9 0 0 0 1 2 0 0 20 0 1 0 987654 123 45\n`;

describe('the stat of a process', () => {
  it('says when it started, whatever its name holds', () => {
    for (const name of ['node', 'a b', ') S 1 2', '(x) Z']) {
      assert.deepEqual(readProcessStat(stat(name, 'S')), { hasEnded: false, startTicks: '987654' });
    }
  });

  it('tells one that has ended', () => {
    assert.equal(readProcessStat(stat('node', 'Z'))?.hasEnded, true);
    assert.equal(readProcessStat(stat('node', 'X'))?.hasEnded, true);
  });

  it('is none of another text', () => {
    for (const text of ['', '1 (', stat('node', 'S').slice(0, 40)]) assert.equal(readProcessStat(text), undefined);
  });
});
