import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { until } from '@rampart/testkit';
import { WriteAheadLog } from './write-ahead-log.ts';

/** Commits between two looks at the length of the log. */
const ENOUGH_COMMITS = 32;
const LONG_PAGES = 20;

describe('the write-ahead log', () => {
  let directory = '';
  let database: DatabaseSync;
  let log: WriteAheadLog;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rampart-log-'));
    const file = join(directory, 'rampart.db');
    database = new DatabaseSync(file);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0');
    database.exec('CREATE TABLE numbers (number INTEGER PRIMARY KEY)');
    log = new WriteAheadLog(file, LONG_PAGES);
  });

  afterEach(async () => {
    await log.close();
    database.close();
    await log.letGo();
    await rm(directory, { recursive: true });
  });

  function lengths(): { readonly log: number; readonly checkpointed: number } {
    const said = database.prepare('PRAGMA wal_checkpoint(NOOP)').get();
    return { log: Number(said?.['log']), checkpointed: Number(said?.['checkpointed']) };
  }

  async function commit(times: number): Promise<void> {
    for (let time = 0; time < times; time += 1) {
      database.exec('INSERT INTO numbers DEFAULT VALUES');
      await log.sync();
      await log.tidy();
    }
  }

  it('leaves a short log alone', async () => {
    await commit(LONG_PAGES / 2);
    assert.equal(lengths().checkpointed, 0);
  });

  it('brings a long one into the file, and lets it begin anew', async () => {
    await commit(ENOUGH_COMMITS);
    await until('a checkpoint beside the commits', () => lengths().checkpointed > 0);
    await commit(2);
    await until('a checkpoint between two commits, and a log that began anew', async () => {
      await commit(1);
      return lengths().log < LONG_PAGES;
    });
    assert.ok(Number(database.prepare('SELECT count(*) AS count FROM numbers').get()?.['count']) >= ENOUGH_COMMITS);
  });
});
