import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { RampartError } from '@rampart/core';
import { settled, until } from '@rampart/testkit';
import { sql, type Transaction } from 'kysely';
import type { CommitLog } from './commit-log.ts';
import type { Committer } from './committer.ts';
import { type Database, openDatabase } from './database.ts';
import { GroupWriter } from './group-writer.ts';
import { insertion } from './precompiled.ts';
import { sqliteEngine } from './sqlite/engine.ts';
import type { Statement } from './statement.ts';
import type { Tables } from './tables.ts';

describe('the group writer', () => {
  let directory = '';
  let database: Database;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rampart-writer-'));
    database = await openDatabase(sqliteEngine(join(directory, 'rampart.db')));
    // A new database has counters of its own; these tests count rows.
    await database.writer.write((transaction) => transaction.deleteFrom('counters').execute());
  });

  afterEach(async () => {
    await database.close();
    await rm(directory, { recursive: true });
  });

  function put(name: string, value = 1): Promise<void> {
    return database.writer.write((transaction) => insert(transaction, name, value));
  }

  async function insert(transaction: Transaction<Tables>, name: string, value: number): Promise<void> {
    await transaction.insertInto('counters').values({ name, value }).execute();
  }

  async function names(): Promise<string[]> {
    const rows = await database.reads.selectFrom('counters').select('name').orderBy('name').execute();
    return rows.map(({ name }) => name);
  }

  it('commits writes of one turn together', async () => {
    const before = database.writer.commits;
    await Promise.all(Array.from({ length: 100 }, (_, index) => put(`n${index}`)));
    assert.equal(database.writer.commits - before, 1);
    assert.equal((await names()).length, 100);
  });

  it('commits with them what is asked for at the end of that turn, as the journal asks', async () => {
    const before = database.writer.commits;
    const change = put('change');
    const record = new Promise<void>((resolve, reject) => {
      setImmediate(() => void put('record').then(resolve, reject));
    });
    await Promise.all([change, record]);
    assert.equal(database.writer.commits - before, 1);
  });

  it('says that the disk is full, when the engine has taken the transaction back by itself', async () => {
    const { reads } = database;
    const filling = reads.connection().execute(async (connection) => {
      // As many pages as there are, for this connection.
      await sql`PRAGMA max_page_count = 1`.execute(connection);
      try {
        await connection.transaction().execute(async (transaction) => {
          for (let index = 0; index < 100; index += 1) await insert(transaction, `${index}${'x'.repeat(10_000)}`, 1);
        });
      } finally {
        await sql`PRAGMA max_page_count = 1000000`.execute(connection);
      }
    });
    await assert.rejects(filling, /database or disk is full/);
    assert.deepEqual(await names(), []);
  });

  it('says of a full disk what to do', async () => {
    const filling = database.writer.write(async (transaction) => {
      await sql`PRAGMA max_page_count = 1`.execute(transaction);
      await insert(transaction, 'x'.repeat(100_000), 1);
    });
    await assert.rejects(filling, /to its database: its disk is full, and nothing was changed; make room on that disk/);
    await database.writer.write(async (transaction) => {
      await sql`PRAGMA max_page_count = 1000000`.execute(transaction);
    });
    await put('a');
    assert.deepEqual(await names(), ['a']);
  });

  it('shows nothing of a write before it is committed', async () => {
    const writing = database.writer.write(async (transaction) => {
      await insert(transaction, 'a', 1);
      assert.deepEqual(await names(), []);
    });
    await writing;
    assert.deepEqual(await names(), ['a']);
  });

  it('a failing write fails alone and leaves nothing', async () => {
    const outcomes = await Promise.allSettled([
      put('a'),
      database.writer.write(async (transaction) => {
        await insert(transaction, 'half', 1);
        throw new Error('no');
      }),
      put('a'),
      put('b'),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
    );
    assert.deepEqual(await names(), ['a', 'b']);
  });

  it('a failing write is a STORAGE_FAILED that keeps what the engine said for operators only', async () => {
    await put('a');
    await assert.rejects(put('a'), (error: { code: string; message: string; detail: string }) => {
      assert.equal(error.code, 'STORAGE_FAILED');
      assert.doesNotMatch(error.message, /UNIQUE/);
      assert.match(error.detail, /UNIQUE/);
      return true;
    });
  });

  it('writes take effect in the order in which they were asked for', async () => {
    await put('a', 0);
    const add = (value: number): Promise<void> =>
      database.writer.write(async (transaction) => {
        const { value: before } = await transaction
          .selectFrom('counters')
          .select('value')
          .where('name', '=', 'a')
          .executeTakeFirstOrThrow();
        await transaction
          .updateTable('counters')
          .set({ value: before * 10 + value })
          .where('name', '=', 'a')
          .execute();
      });
    await Promise.all([add(1), add(2), add(3)]);
    assert.equal((await database.reads.selectFrom('counters').select('value').executeTakeFirstOrThrow()).value, 123);
  });

  it('closing finishes what was asked for and refuses what comes after', async () => {
    const written = put('a');
    const closed = database.writer.close();
    await assert.rejects(put('b'), { code: 'STORAGE_FAILED' });
    await Promise.all([written, closed]);
    assert.deepEqual(await names(), ['a']);
  });

  describe('of nothing but statements', () => {
    for (const { what, count } of [
      { what: 'few', count: 3 },
      { what: 'so many that a thread writes them', count: 300 },
    ]) {
      it(`${what}, commits each alone or not at all, in their order`, async () => {
        const insertCounters = insertion(database.reads, 'counters');
        const doubling = database.reads.updateTable('counters').set({ value: 2 }).where('name', '=', '').compile();
        const statements = (name: string, expected = 1): Statement[] => [
          ...insertCounters([{ name, value: 1 }]),
          {
            query: doubling,
            parameters: [2, name],
            mustChange: { rows: expected, otherwise: `${name} was not there` },
          },
        ];
        const writes = Array.from({ length: count }, (_, index) =>
          database.writer.store(() => statements(`n${index}`)),
        );
        const outcomes = await Promise.allSettled([
          ...writes,
          database.writer.store(() => statements('n0')),
          database.writer.store(() => statements('odd', 2)),
          database.writer.store(() => Promise.reject(new Error('no'))),
          database.writer.store(() => statements('last')),
        ]);
        const problems = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [String(outcome.reason)] : []));
        assert.deepEqual(
          problems.map((problem) => problem.replace(/;.*/, '')),
          [
            'RampartError: the control plane could not write to its database',
            'RampartError: odd was not there',
            'RampartError: the control plane could not write to its database',
          ],
        );
        assert.equal(outcomes.length - problems.length, count + 1);
        const there = await names();
        assert.equal(there.length, count + 1);
        assert.ok(there.includes('last') && !there.includes('odd'));
        const values = await database.reads.selectFrom('counters').select('value').distinct().execute();
        assert.deepEqual(
          values.map(({ value }) => value),
          [2],
        );
      });
    }
  });

  it('answers nobody before the disk has what was committed', async () => {
    const log = new HeldLog();
    const writer = new GroupWriter(database.reads, { log, committer: database.engine.committer() });
    let isAnswered = false;
    const written = writer
      .write((transaction) => insert(transaction, 'a', 1))
      .finally(() => {
        isAnswered = true;
      });
    await until('the commit is on its way to the disk', () => log.syncs === 1);
    assert.deepEqual(await names(), ['a']);
    assert.equal(isAnswered, false);
    log.release();
    await written;
  });

  it('writes nothing more once the disk did not take a commit', async () => {
    const log = new HeldLog();
    const writer = new GroupWriter(database.reads, { log, committer: database.engine.committer() });
    const first = settled(writer.write((transaction) => insert(transaction, 'a', 1)));
    await until('the commit is on its way to the disk', () => log.syncs === 1);
    const second = settled(writer.write((transaction) => insert(transaction, 'b', 1)));
    log.release(new Error('EIO'));
    for (const outcome of [await first, await second])
      assert.ok('error' in outcome && /the disk/.test(outcome.error.message));
    await assert.rejects(
      writer.write((transaction) => insert(transaction, 'c', 1)),
      /the disk/,
    );
    assert.deepEqual(await names(), ['a']);
    assert.equal(log.syncs, 1);
  });

  it('writes nothing more once the thread is gone with a commit of which nobody can say whether it took effect', async () => {
    const committer: Committer = {
      commit: () => Promise.reject(new RampartError('STORAGE_FAILED', 'the thread that writes the database ended')),
      close: () => Promise.resolve(),
    };
    const writer = new GroupWriter(database.reads, { log: new HeldLog(), committer });
    const insertCounters = insertion(database.reads, 'counters');
    const many = Array.from({ length: 300 }, (_, index) =>
      settled(writer.store(() => [...insertCounters([{ name: `n${index}`, value: 1 }])])),
    );
    for (const outcome of await Promise.all(many)) assert.ok('error' in outcome);
    await assert.rejects(
      writer.write((transaction) => insert(transaction, 'later', 1)),
      /nothing more is until the control plane is started again/,
    );
    assert.deepEqual(await names(), []);
  });
});

/** A log whose disk takes its time. */
class HeldLog implements CommitLog {
  syncs = 0;
  readonly #held = Promise.withResolvers<void>();

  sync(): Promise<void> {
    this.syncs += 1;
    return this.#held.promise;
  }

  release(problem?: Error): void {
    if (problem === undefined) this.#held.resolve();
    else this.#held.reject(problem);
  }

  async tidy(): Promise<void> {}
  async letGo(): Promise<void> {}

  async close(): Promise<void> {}
}
