import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { Fuzzer, shortened, tryInput } from './engine/fuzzer.ts';
import type { FuzzTarget } from './engine/target.ts';
import { targets } from './targets.ts';

const SEED = 20_261_121;
const RUNS = 1_500;
const CASES = join(import.meta.dirname, 'cases');

for (const target of targets) {
  describe(target.name, () => {
    const directory = join(CASES, target.name);
    for (const file of existsSync(directory) ? readdirSync(directory).toSorted() : []) {
      test(`once found: ${file}`, () => {
        const { finding } = tryInput(target, new Uint8Array(readFileSync(join(directory, file))));
        assert.equal(finding?.problem, undefined);
      });
    }

    test(`${RUNS} inputs`, () => {
      const fuzzer = new Fuzzer(target, SEED);
      for (let run = 0; run < RUNS; run += 1) {
        const finding = fuzzer.step();
        if (finding === undefined) continue;
        const { input, problem } = shortened(target, finding);
        assert.fail(`input ${run}, ${JSON.stringify(Buffer.from(input).toString('latin1'))}: ${problem}`);
      }
      assert.ok(fuzzer.outcomes > 2, 'a target whose outcomes are all the same tests nothing');
    });
  });
}

describe('the fuzzer', () => {
  const touchy: FuzzTarget = {
    name: 'touchy',
    form: 'text',
    seeds: ['abc def ghi'],
    words: ['needle', 'hay'],
    run: (input) => {
      const text = Buffer.from(input).toString('utf8');
      if (text.includes('needle')) throw new Error('there is a needle');
      return text.includes('hay') ? 'hay' : 'nothing';
    },
  };
  const findFirst = (): readonly [number, Uint8Array] => {
    const fuzzer = new Fuzzer(touchy, SEED);
    for (let run = 0; ; run += 1) {
      const finding = fuzzer.step();
      if (finding !== undefined) return [run, shortened(touchy, finding).input];
    }
  };

  test('finds what is there, and makes it short', () => {
    assert.equal(Buffer.from(findFirst()[1]).toString(), 'needle');
  });

  test('a seed gives the same inputs again', () => {
    assert.deepEqual(findFirst(), findFirst());
  });
});
