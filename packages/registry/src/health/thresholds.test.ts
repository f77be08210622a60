import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CheckStatus } from './check.ts';
import { Thresholds } from './thresholds.ts';

type Limits = Parameters<Thresholds['count']>[1];

const USUAL: Limits = { successBeforePassing: 0, failuresBeforeWarning: 0, failuresBeforeCritical: 0 };
const LETTERS: Readonly<Record<string, CheckStatus>> = { p: 'passing', w: 'warning', c: 'critical' };

/** What runs gave, and what followed: "." where the status stayed what it was. */
const CASES: readonly (readonly [rule: string, limits: Partial<Limits>, runs: string, followed: string])[] = [
  ['each run counts where nothing is configured', {}, 'pcwcp', 'pcwcp'],
  ['one success in a row is the same as none', { successBeforePassing: 1 }, 'cp', 'cp'],
  ['so many successes in a row are needed', { successBeforePassing: 3 }, 'cppp', 'c..p'],
  ['a failure begins the count of successes anew', { successBeforePassing: 2 }, 'pcpp', '.c.p'],
  ['a warning is a success', { successBeforePassing: 2 }, 'wp', '.p'],
  ['so many failures in a row are needed', { failuresBeforeCritical: 3, failuresBeforeWarning: 3 }, 'pccc', 'p..c'],
  [
    'a success begins the count of failures anew',
    { failuresBeforeCritical: 2, failuresBeforeWarning: 2 },
    'cpcc',
    '.p.c',
  ],
  ['it warns before it is critical', { failuresBeforeCritical: 3, failuresBeforeWarning: 1 }, 'pcccc', 'pwwcc'],
  [
    'a warning of the check itself needs no failures',
    { failuresBeforeCritical: 5, failuresBeforeWarning: 5 },
    'w',
    'w',
  ],
];

describe('of several runs of a check', () => {
  for (const [rule, limits, runs, followed] of CASES)
    it(rule, () => {
      const thresholds = new Thresholds();
      const statuses = runs
        .split('')
        .map((letter) => thresholds.count(LETTERS[letter] ?? 'passing', { ...USUAL, ...limits }));
      assert.equal(statuses.map((status) => status?.[0] ?? '.').join(''), followed);
    });
});
