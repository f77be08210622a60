import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import type { Clock } from '@rampart/core';
import { FakeClock } from '@rampart/testkit/fake-clock';
import { readRecordBlock } from '@rampart/wire/record-block';
import fc from 'fast-check';

import type { ReportBatch } from './batch.ts';
import { record } from './record.fixture.ts';
import { TelemetryReporter } from './reporter.ts';

/** What may become of one attempt to send: what the control plane does with it, and what the sender hears. */
const FATES = ['stored', 'stored twice', 'stored slowly', 'lost', 'answer lost', 'never answered'] as const;
type Fate = (typeof FATES)[number];

type Step =
  | { readonly kind: 'record'; readonly count: number }
  | { readonly kind: 'advance'; readonly milliseconds: number }
  | { readonly kind: 'weather'; readonly fates: readonly Fate[] }
  | { readonly kind: 'drain' | 'exit' | 'kill' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('record' as const), count: fc.integer({ min: 1, max: 300 }) }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('advance' as const), milliseconds: fc.nat(3000) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('weather' as const),
      fates: fc.array(fc.constantFrom(...FATES), { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('drain' as const, 'exit' as const, 'kill' as const) }) },
);

/** Stores each (reporter, sequence) once, like the real one. */
class StoringControlPlane {
  readonly paths: string[] = [];
  readonly skipped: string[] = [];
  readonly #clock: Clock;
  readonly #last = new Map<string, bigint>();
  #fates: readonly Fate[] = ['stored'];
  #attempts = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  set weather(fates: readonly Fate[]) {
    this.#fates = fates;
  }

  receive(batch: ReportBatch): Promise<void> {
    const fate = this.#fates[this.#attempts++ % this.#fates.length] ?? 'stored';
    if (fate === 'lost') return Promise.reject(new Error('no connection'));
    this.#store(batch);
    if (fate === 'stored twice') this.#store(batch);
    if (fate === 'answer lost') return Promise.reject(new Error('connection reset'));
    return new Promise((resolve) => {
      if (fate === 'stored slowly') this.#clock.after(700, resolve);
      else if (fate !== 'never answered') resolve();
    });
  }

  #store(batch: ReportBatch): void {
    const last = this.#last.get(batch.reporter) ?? 0n;
    // What comes again must have been there before: a gap that is filled later would be a batch out of order.
    if (batch.sequence <= last) return;
    if (batch.sequence !== last + 1n) this.skipped.push(`${batch.reporter} ${last} to ${batch.sequence}`);
    this.#last.set(batch.reporter, batch.sequence);
    this.paths.push(...readRecordBlock(batch.records).map((each) => each.request_path));
  }
}

/** A process with a reporter in it, that can be killed: its timers stop, its connections are cut. */
class Life {
  readonly reporter: TelemetryReporter;
  readonly name: string;
  readonly recorded: string[] = [];
  #alive = true;

  constructor(world: World, name: string) {
    this.name = name;
    this.reporter = new TelemetryReporter({
      reporter: name,
      directory: world.directory,
      // What a killed process was about to do goes on here; only, it must not take the living for dead.
      processes: { self: name, isAlive: (other) => other === name || !this.#alive },
      random: () => 0.5,
      clock: {
        now: () => world.clock.now(),
        after: (milliseconds, callback) => world.clock.after(milliseconds, () => this.#alive && callback()),
      },
      send: (batch) => (this.#alive ? world.controlPlane.receive(batch) : new Promise(() => undefined)),
    });
  }

  record(count: number): void {
    for (let i = 0; i < count; i++) {
      const path = `/${this.name}/${this.recorded.length}`;
      this.recorded.push(path);
      this.reporter.record(record(path));
    }
  }

  /** Gives what must not get lost. */
  kill(): string[] {
    this.#alive = false;
    return this.recorded.slice(0, this.recorded.length - this.reporter.counts.inMemory);
  }
}

class World {
  readonly clock = new FakeClock();
  readonly controlPlane: StoringControlPlane = new StoringControlPlane(this.clock);
  readonly directory: string;
  readonly recorded: string[] = [];
  readonly safe: string[] = [];
  #lives = 0;
  #life: Life;

  constructor(directory: string) {
    this.directory = directory;
    this.#life = this.#begin();
  }

  async run(step: Step): Promise<void> {
    switch (step.kind) {
      case 'record':
        this.#life.record(step.count);
        break;
      case 'advance':
        for (let i = 0; i < 20; i++) await this.clock.advance(step.milliseconds / 20);
        break;
      case 'weather':
        this.controlPlane.weather = step.fates;
        break;
      case 'drain':
        void this.#life.reporter.drain(1000);
        break;
      case 'exit':
        this.#life.reporter.spoolSync();
        this.#restart();
        break;
      case 'kill':
        this.#restart();
        break;
    }
  }

  /** Fair weather, and processes come and go until nothing is left to send. */
  async settle(): Promise<void> {
    this.controlPlane.weather = ['stored'];
    await this.#quiet();
    this.#restart();
    await this.#quiet();
    this.#restart();
  }

  async #quiet(): Promise<void> {
    for (let turns = 0; ; turns++) {
      const { inMemory, inSpool, adopted, dropped } = this.#life.reporter.counts;
      assert.equal(dropped, 0);
      if (inMemory + inSpool + adopted + (await this.#left()) === 0) return;
      assert.ok(turns < 5000, 'everything is sent in the end');
      await this.clock.advance(100);
    }
  }

  /**
   * Files of those who are gone. A folder without any stays where one that was killed was still deleting its last file: the next
   * process takes it away.
   */
  async #left(): Promise<number> {
    const names = await readdir(this.directory).catch(() => []);
    const others = names.filter((name) => name !== `${this.#life.name}@${this.#life.name}`);
    const files = others.map((name) => readdir(join(this.directory, name)).catch(() => ['on its way elsewhere']));
    return (await Promise.all(files)).flat().length;
  }

  #restart(): void {
    this.safe.push(...this.#life.kill());
    this.recorded.push(...this.#life.recorded);
    this.#life = this.#begin();
  }

  #begin(): Life {
    return new Life(this, `life-${++this.#lives}`);
  }
}

describe('whatever happens to a reporter and its control plane', () => {
  it('what was safe is stored, once, in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const directory = await mkdtemp(join(tmpdir(), 'rampart-model-test-'));
        try {
          const world = new World(directory);
          for (const each of steps) await world.run(each);
          await world.settle();
          assert.deepEqual(world.controlPlane.skipped, [], 'nothing is skipped');
          const stored = new Set(world.controlPlane.paths);
          assert.equal(stored.size, world.controlPlane.paths.length, 'nothing is stored twice');
          assert.deepEqual(
            world.safe.filter((path) => !stored.has(path)),
            [],
            'nothing safe is lost',
          );
          for (const [name, paths] of Map.groupBy(world.controlPlane.paths, (path) => path.split('/')[1])) {
            const all = world.recorded.filter((path) => path.startsWith(`/${name}/`));
            assert.deepEqual(paths, all.slice(0, paths.length), 'order is kept');
          }
        } finally {
          await rm(directory, { recursive: true });
        }
      }),
      { numRuns: 100 },
    );
  });
});
