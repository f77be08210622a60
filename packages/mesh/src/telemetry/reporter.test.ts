import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { RampartError } from '@rampart/core';
import { FakeClock } from '@rampart/testkit/fake-clock';
import { readRecordBlock } from '@rampart/wire/record-block';

import type { RefusedConnection, ReportBatch } from './batch.ts';
import type { Processes } from './spool/processes.ts';
import { record } from './record.fixture.ts';
import { TelemetryReporter } from './reporter.ts';
import type { TelemetryReporterOptions } from './reporter.ts';

let root = '';
let folders = 0;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'rampart-reporter-test-'));
});
after(() => rm(root, { recursive: true }));

function folder(): string {
  return join(root, String(++folders));
}

const refusal: RefusedConnection = {
  at: 1_795_000_000_000n,
  kind: 'plaintext_rejected',
  reason: 'STRICT',
  remoteAddress: '127.0.0.1:5',
  localPort: 80,
  peer: '',
};

/** Waits for what the file system does, too; time moves by a millisecond a turn. */
async function until(clock: FakeClock, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let turns = 0; !(await isSo()); turns++) {
    assert.ok(turns < 100_000, `never came true: ${isSo.toString()}`);
    await clock.advance(1);
  }
}

type Answer = 'store' | 'slow' | 'fail' | 'refuse' | 'hang';

/** A control plane, and everything it was sent. */
class FakeControlPlane {
  answer: Answer = 'store';
  readonly received: ReportBatch[] = [];
  attempts = 0;
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  readonly send = (batch: ReportBatch): Promise<void> => {
    this.attempts++;
    switch (this.answer) {
      case 'store':
        this.received.push(batch);
        return Promise.resolve();
      case 'slow':
        this.received.push(batch);
        return new Promise((resolve) => {
          this.#clock.after(700, resolve);
        });
      case 'fail':
        return Promise.reject(new Error('no connection'));
      case 'refuse':
        return Promise.reject(new RampartError('INVALID_ARGUMENT', 'not a batch'));
      case 'hang':
        return new Promise(() => undefined);
    }
  };

  get paths(): string[] {
    return this.received.flatMap(({ records }) =>
      records.length === 0 ? [] : readRecordBlock(records).map((each) => each.request_path),
    );
  }
}

interface Setting {
  readonly clock: FakeClock;
  readonly controlPlane: FakeControlPlane;
  readonly reporter: TelemetryReporter;
}

const alive: Processes = { self: '1-1', isAlive: (name) => name === '1-1' };

function setting(options: Partial<TelemetryReporterOptions> = {}): Setting {
  const clock = new FakeClock();
  const controlPlane = new FakeControlPlane(clock);
  const reporter = new TelemetryReporter({
    clock,
    random: () => 0.5,
    send: controlPlane.send,
    reporter: 'r1',
    processes: alive,
    ...options,
  });
  return { clock, controlPlane, reporter };
}

describe('a reporter', () => {
  it('sends what was recorded 250 ms after the first record', async () => {
    const { clock, controlPlane, reporter } = setting();
    reporter.record(record('/1'));
    await clock.advance(100);
    reporter.record(record('/2'));
    reporter.refused(refusal);
    await clock.advance(149);
    assert.equal(controlPlane.attempts, 0);
    await clock.advance(1);
    assert.deepEqual(controlPlane.paths, ['/1', '/2']);
    const [batch] = controlPlane.received;
    assert.equal(batch?.sequence, 1n);
    assert.equal(batch.reporter, 'r1');
    assert.equal(batch.recordCount, 2);
    assert.deepEqual(batch.connectionEvents, [refusal]);
    assert.deepEqual(reporter.counts, {
      recorded: 3,
      stored: 3,
      refused: 0,
      dropped: 0,
      inMemory: 0,
      inSpool: 0,
      adopted: 0,
    });
  });

  it('sets no timer and sends nothing while there is nothing', async () => {
    const { clock, controlPlane, reporter } = setting();
    assert.equal(clock.pending, 0);
    reporter.record(record('/1'));
    await clock.advance(10_000);
    assert.equal(clock.pending, 0);
    assert.equal(controlPlane.attempts, 1);
  });

  it('sends 4,096 records, 256 KiB or 1,000 refused connections at once', async () => {
    const { clock, controlPlane, reporter } = setting();
    for (let i = 0; i < 4096; i++) reporter.record(record('/'));
    await clock.advance(0);
    assert.deepEqual(
      controlPlane.received.map(({ recordCount }) => recordCount),
      [4096],
    );
    for (let i = 0; i < 64; i++) reporter.record(record(`/${i}${'x'.repeat(4096)}`));
    await clock.advance(0);
    assert.equal(controlPlane.received.length, 2);
    for (let i = 0; i < 1000; i++) reporter.refused(refusal);
    await clock.advance(0);
    assert.equal(controlPlane.received.at(-1)?.connectionEvents.length, 1000);
    assert.equal(controlPlane.received.at(-1)?.records.length, 0);
  });

  it('tries again, later and later, and keeps the order', async () => {
    const { clock, controlPlane, reporter } = setting();
    controlPlane.answer = 'fail';
    const attempts: number[] = [];
    for (let second = 0; second < 30; second++) {
      reporter.record(record(`/${second}`));
      await clock.advance(1000);
      attempts.push(controlPlane.attempts);
    }
    assert.equal(attempts[0], 3);
    assert.ok(Number(attempts[29]) < 15, `${attempts[29]} attempts in 30 seconds`);
    controlPlane.answer = 'store';
    await clock.advance(5000);
    assert.deepEqual(
      controlPlane.paths,
      Array.from({ length: 30 }, (_, i) => `/${i}`),
    );
    assert.deepEqual(
      controlPlane.received.map(({ sequence }) => sequence),
      Array.from({ length: 30 }, (_, i) => BigInt(i + 1)),
    );
  });

  it('tries again at once when told that the control plane is back', async () => {
    const { clock, controlPlane, reporter } = setting();
    controlPlane.answer = 'fail';
    reporter.record(record('/1'));
    await clock.advance(60_000);
    controlPlane.answer = 'store';
    reporter.retryNow();
    await clock.advance(0);
    assert.deepEqual(controlPlane.paths, ['/1']);
  });

  it('gives up an attempt that is never answered', async () => {
    const { clock, controlPlane, reporter } = setting();
    controlPlane.answer = 'hang';
    reporter.record(record('/1'));
    await clock.advance(1000);
    controlPlane.answer = 'store';
    await clock.advance(16_000);
    assert.deepEqual(controlPlane.paths, ['/1']);
  });

  it('does not send again what the control plane calls invalid', async () => {
    const { clock, controlPlane, reporter } = setting();
    controlPlane.answer = 'refuse';
    reporter.record(record('/1'));
    await clock.advance(1000);
    controlPlane.answer = 'store';
    reporter.record(record('/2'));
    await clock.advance(1000);
    assert.deepEqual(controlPlane.paths, ['/2']);
    assert.equal(reporter.counts.refused, 1);
  });

  it('holds a bounded amount in memory, drops the oldest and counts it', async () => {
    const { clock, controlPlane, reporter } = setting({ memoryBytes: 100_000 });
    controlPlane.answer = 'fail';
    for (let i = 0; i < 100; i++) {
      reporter.record(record(`/${i}/${'x'.repeat(8000)}`));
      await clock.advance(250);
    }
    const { recorded, inMemory, dropped } = reporter.counts;
    assert.ok(inMemory <= 12);
    assert.equal(inMemory + dropped, recorded);
    controlPlane.answer = 'store';
    await clock.advance(5000);
    assert.deepEqual(
      controlPlane.paths.slice(1).map((path) => Number(path.split('/')[1])),
      Array.from({ length: inMemory - 1 }, (_, i) => 100 - inMemory + 1 + i),
    );
  });

  it('refuses a name that the control plane would refuse', () => {
    assert.throws(() => setting({ reporter: 'a/b' }), { name: 'RampartError', code: 'INVALID_ARGUMENT' });
  });

  it('discards everything when it is made to', () => {
    const reporter = TelemetryReporter.discarding();
    for (let i = 0; i < 10_000; i++) reporter.record(record('/'));
    reporter.refused(refusal);
    reporter.spoolSync();
  });
});

describe('a reporter with a spool', () => {
  it('writes nothing to disk while the control plane answers', async () => {
    const directory = folder();
    const { clock, reporter } = setting({ directory });
    reporter.record(record('/1'));
    await clock.advance(1000);
    await assert.rejects(readdir(directory), { code: 'ENOENT' });
  });

  it('spools while the control plane is away, and sends it in order when it is back', async () => {
    const { clock, controlPlane, reporter } = setting({ directory: folder() });
    controlPlane.answer = 'fail';
    for (let i = 0; i < 20; i++) {
      reporter.record(record(`/${i}`));
      await clock.advance(300);
    }
    await until(clock, () => reporter.counts.inSpool === 20);
    assert.equal(reporter.counts.inMemory, 0);
    controlPlane.answer = 'store';
    reporter.record(record('/20'));
    await until(clock, () => reporter.counts.stored === 21);
    assert.deepEqual(
      controlPlane.paths,
      Array.from({ length: 21 }, (_, i) => `/${i}`),
    );
  });

  it('sends what is in the spool before what was recorded later', async () => {
    const { clock, controlPlane, reporter } = setting({ directory: folder() });
    controlPlane.answer = 'fail';
    for (let i = 0; i < 10; i++) {
      reporter.record(record(`/${i}`));
      await clock.advance(300);
    }
    await until(clock, () => reporter.counts.inSpool === 10);
    controlPlane.answer = 'slow';
    reporter.retryNow();
    for (let i = 10; i < 20; i++) {
      reporter.record(record(`/${i}`));
      await clock.advance(300);
    }
    await until(clock, () => reporter.counts.stored === 20);
    assert.deepEqual(
      controlPlane.paths,
      Array.from({ length: 20 }, (_, i) => `/${i}`),
    );
  });

  it('spools what a control plane that hangs has not answered for', async () => {
    const { clock, controlPlane, reporter } = setting({ directory: folder() });
    controlPlane.answer = 'hang';
    reporter.record(record('/1'));
    await clock.advance(1300);
    await until(clock, () => reporter.counts.inSpool === 1);
  });

  it('takes a spool when the identity becomes known later', async () => {
    const { clock, controlPlane, reporter } = setting();
    controlPlane.answer = 'fail';
    reporter.record(record('/1'));
    await clock.advance(1000);
    reporter.useSpool([folder()]);
    await until(clock, () => reporter.counts.inSpool === 1);
  });

  it('holds on to memory when the disk does not take it', async () => {
    const directory = folder();
    await writeFile(directory, 'in the way');
    const { clock, controlPlane, reporter } = setting({ directory });
    controlPlane.answer = 'fail';
    reporter.record(record('/1'));
    await clock.advance(2000);
    assert.equal(reporter.counts.inMemory, 1);
    controlPlane.answer = 'store';
    await clock.advance(5000);
    assert.deepEqual(controlPlane.paths, ['/1']);
  });

  it('adopts what a neighbour leaves that dies later', async () => {
    const directory = folder();
    const living = new Set(['1-1', '2-1']);
    const neighbour = setting({
      directory,
      processes: { self: '2-1', isAlive: (name) => living.has(name) },
      reporter: 'r2',
    });
    const { clock, controlPlane, reporter } = setting({
      directory,
      processes: { self: '1-1', isAlive: (name) => living.has(name) },
    });
    neighbour.reporter.stop();
    neighbour.reporter.record(record('/left'));
    neighbour.reporter.spoolSync();
    for (let second = 0; second < 120; second++) await clock.advance(1000);
    assert.equal(controlPlane.attempts, 0);
    living.delete('2-1');
    await until(clock, () => reporter.counts.stored === 1);
    assert.deepEqual(controlPlane.paths, ['/left']);
  });

  it('does nothing more once it is stopped', async () => {
    const { clock, controlPlane, reporter } = setting({ directory: folder() });
    controlPlane.answer = 'fail';
    reporter.record(record('/1'));
    await clock.advance(2000);
    reporter.stop();
    const { attempts } = controlPlane;
    await clock.advance(100_000);
    assert.equal(controlPlane.attempts, attempts);
    assert.equal(clock.pending, 0);
  });

  it('drains to the control plane', async () => {
    const { clock, controlPlane, reporter } = setting({ directory: folder() });
    reporter.record(record('/1'));
    const drained = reporter.drain(2000);
    await clock.advance(0);
    assert.equal(await drained, 0);
    assert.deepEqual(controlPlane.paths, ['/1']);
  });

  for (const answer of ['fail', 'hang'] as const) {
    it(`drains to the spool when the control plane does ${answer}`, async () => {
      const directory = folder();
      const { clock, controlPlane, reporter } = setting({ directory });
      controlPlane.answer = answer;
      reporter.record(record('/1'));
      let left = -1;
      void reporter.drain(2000).then((count) => {
        left = count;
      });
      await until(clock, () => left !== -1);
      assert.equal(left, 0);
      assert.equal(reporter.counts.inSpool, 1);
      const next = setting({
        directory,
        reporter: 'r2',
        processes: { self: '2-1', isAlive: (name) => name === '2-1' },
      });
      await until(next.clock, () => next.reporter.counts.stored === 1);
      assert.deepEqual(
        next.controlPlane.received.map((batch) => [batch.reporter, batch.sequence]),
        [['r1', 1n]],
      );
      await until(next.clock, async () => (await readdir(directory)).length === 0);
    });
  }

  it('says what it could not drain anywhere', async () => {
    const { clock, controlPlane, reporter } = setting();
    controlPlane.answer = 'fail';
    reporter.record(record('/1'));
    reporter.record(record('/2'));
    const drained = reporter.drain(2000);
    await clock.advance(2000);
    assert.equal(await drained, 2);
  });

  it('writes everything before spoolSync returns', async () => {
    const directory = folder();
    const { controlPlane, reporter } = setting({ directory });
    controlPlane.answer = 'fail';
    for (let i = 0; i < 10; i++) reporter.record(record(`/${i}`));
    reporter.spoolSync();
    const next = setting({ directory, reporter: 'r2', processes: { self: '2-1', isAlive: (name) => name === '2-1' } });
    await until(next.clock, () => next.reporter.counts.stored === 10);
    assert.deepEqual(
      next.controlPlane.paths,
      Array.from({ length: 10 }, (_, i) => `/${i}`),
    );
  });
});
