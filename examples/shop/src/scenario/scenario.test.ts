// The whole demo, as `npm start -- --once` runs it.
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ChildExit } from '../process/child.ts';
import { inFolder, processesOf, startShop } from '../testing/run.ts';
import type { ScenarioReport } from './expectation.ts';

const LONGEST_MS = 30_000;

interface Run {
  readonly exit: ChildExit;
  readonly lines: readonly string[];
}

async function run(options: readonly string[], temporary: string): Promise<Run> {
  const lines: string[] = [];
  const child = startShop(options, { temporary, onLine: (line) => lines.push(line) });
  return { exit: await child.exited, lines };
}

test('every expectation of the scenario holds, and nothing is left behind', () =>
  inFolder(async (temporary) => {
    const began = performance.now();
    const { exit, lines } = await run(['--once', '--output', 'json'], temporary);
    const milliseconds = performance.now() - began;
    assert.equal(lines.length, 1, 'exactly one line on standard output');
    const report = JSON.parse(lines[0] ?? '') as ScenarioReport;
    assert.deepEqual(
      report.expectations.filter(({ ok }) => !ok),
      [],
    );
    assert.ok(report.ok);
    assert.deepEqual(exit, { code: 0, signal: null });
    const count = (prefix: string): number => report.expectations.filter(({ name }) => name.startsWith(prefix)).length;
    if (report.left_out.length === 0) {
      assert.deepEqual([count('intruder: '), count('languages: ')], [9, 4]);
      assert.equal(report.plaintext_rejected, 2);
    }
    assert.equal(count('traffic: '), 6);
    const poisoned = report.expectations.filter(({ name }) => name.startsWith('poisoner: '));
    assert.equal(poisoned.length, 4);
    assert.equal(new Set(poisoned.map(({ expected }) => expected)).size, 4, 'each is stopped by another mechanism');
    assert.ok(report.denied >= 4 && report.denied < report.requests, `${report.denied} of ${report.requests} denied`);
    assert.ok(report.mtls > 0 && report.mtls < report.requests);
    assert.ok(report.ready_ms > 0);
    assert.ok(milliseconds < LONGEST_MS, `${milliseconds} ms`);
    assert.deepEqual(await readdir(temporary), [], 'no temporary folder is left');
    assert.deepEqual((await processesOf(temporary)) ?? [], [], 'no process is left');
  }));

test('what keeps it from opening is told in words, and not by a code', () =>
  inFolder(async (temporary) => {
    const file = join(temporary, 'no-folder');
    await writeFile(file, '');
    const { exit, lines } = await run(['--once', '--output', 'json', '--data', file], temporary);
    const { expectations } = JSON.parse(lines[0] ?? '') as ScenarioReport;
    assert.equal(exit.code, 3);
    assert.match(expectations[0]?.observed ?? '', /^(?![A-Z_]+:).*no-folder/);
  }));

test('used wrongly, it says so and starts nothing', () =>
  inFolder(async (temporary) => {
    const { exit, lines } = await run(['--twice'], temporary);
    assert.deepEqual([exit.code, lines], [2, []]);
  }));
