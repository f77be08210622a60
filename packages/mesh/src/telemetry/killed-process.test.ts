import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';

import type { Clock } from '@rampart/core';
import { readRecordBlock } from '@rampart/wire/record-block';

import type { ReportBatch } from './batch.ts';
import { TelemetryReporter } from './reporter.ts';

let directory = '';
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rampart-kill-test-'));
});
after(() => rm(directory, { recursive: true }));

/** Records without end while no control plane answers, and says how many records are durable. */
const PROGRAM = `
import { TelemetryReporter } from ${JSON.stringify(import.meta.resolve('./reporter.ts'))};
import { record } from ${JSON.stringify(import.meta.resolve('./record.fixture.ts'))};
const clock = {
  now: () => Date.now(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    return { cancel: () => clearTimeout(timer) };
  },
};
const [directory, reporter] = process.argv.slice(1);
const telemetry = new TelemetryReporter({
  directory, reporter, clock, random: Math.random, send: () => Promise.reject(new Error('away')),
});
let recorded = 0;
setInterval(() => {
  for (let i = 0; i < 200; i++) telemetry.record(record('/' + reporter + '/' + recorded++));
}, 1);
setInterval(() => process.stdout.write(telemetry.counts.inSpool + '\\n'), 5);
`;

const systemClock: Clock = {
  now: () => Date.now(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    return { cancel: () => clearTimeout(timer) };
  },
};

function start(reporter: string): ChildProcess {
  return spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, directory, reporter], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Kills the process once so many records are durable; gives how many it last said are. */
async function killAfter(child: ChildProcess, records: number): Promise<number> {
  assert.ok(child.stdout);
  let durable = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    durable = Number(line);
    if (durable >= records) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  assert.equal(child.signalCode, 'SIGKILL');
  return durable;
}

describe('a process that is killed while it spools', () => {
  it('leaves everything that was durable to the next one, which sends it once and in order', async () => {
    const names = ['first', 'second', 'third'];
    const durable = new Map<string, number>();
    for (const [i, name] of names.entries()) durable.set(name, await killAfter(start(name), 3000 * (i + 1)));

    const received: ReportBatch[] = [];
    const next = new TelemetryReporter({
      directory,
      clock: systemClock,
      random: Math.random,
      send: (batch) => {
        received.push(batch);
        return Promise.resolve();
      },
    });
    while ((await readdir(directory)).length > 0) await new Promise(setImmediate);
    next.stop();

    const paths = received.flatMap(({ records }) => readRecordBlock(records).map((each) => each.request_path));
    for (const name of names) {
      const own = paths.filter((path) => path.startsWith(`/${name}/`));
      assert.deepEqual(
        own,
        Array.from({ length: own.length }, (_, i) => `/${name}/${i}`),
      );
      assert.ok(own.length >= Number(durable.get(name)), `${name}: ${own.length} of ${durable.get(name)}`);
      const sequences = received.filter(({ reporter }) => reporter === name).map(({ sequence }) => Number(sequence));
      assert.deepEqual(
        sequences,
        Array.from({ length: sequences.length }, (_, i) => i + 1),
      );
    }
  });
});
