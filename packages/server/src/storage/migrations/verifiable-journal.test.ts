import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type JournalEntry, Journal, leafHash, MerkleTree, verifyInclusion } from '@rampart/journal';
import { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import { createSystemClock } from '../../clock.ts';
import { openDatabase } from '../database.ts';
import { sqliteEngine } from '../sqlite/engine.ts';
import { createJournalStore } from '../stores/journal-store.ts';
import type { Tables } from '../tables.ts';
import { migrationProvider } from './provider.ts';

const ENTRIES = 600;
const BEFORE = '2026-11-used-evidence';

describe('a journal that was written before there were proofs', () => {
  it('has proofs of every entry, and goes on', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'rampart-migration-'));
    const file = join(directory, 'rampart.db');
    try {
      await writeAsBefore(file);
      const database = await openDatabase(sqliteEngine(file));
      const journal = await Journal.open(createJournalStore(database), createSystemClock());
      await journal.append('ledger', { event_type: 'K', serial: 'new' });
      const { size, root } = journal.head;
      assert.equal(size, ENTRIES + 1);
      for (const sequence of [1, 16, 17, 256, 257, ENTRIES, size]) {
        const [entry] = await journal.read({ after: sequence - 1, limit: 1, order: 'oldest-first' });
        assert.ok(verifyInclusion(await journal.inclusion(sequence), entry?.leafHash ?? '', root), `entry ${sequence}`);
      }
      const about = { field: 'serial', value: '7' } as const;
      assert.equal((await journal.read({ about, limit: 9, order: 'oldest-first' }))[0]?.sequence, 7);
      await database.close();
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

async function writeAsBefore(file: string): Promise<void> {
  const engine = sqliteEngine(file);
  const database = new Kysely<Tables>({ dialect: engine.dialect });
  const { error } = await new Migrator({ db: database, provider: migrationProvider(engine) }).migrateTo(BEFORE);
  assert.equal(error, undefined);
  const tree = new MerkleTree();
  for (let sequence = 1; sequence <= ENTRIES; sequence += 1) {
    const body = `{"sequence":${sequence},"serial":"${sequence}"}`;
    const entry: JournalEntry = { sequence, at: 0, stream: 'ledger', kind: 'K', body, leafHash: leafHash(body) };
    const { leafHash: leaf, ...row } = entry;
    tree.add(leaf);
    await database
      .insertInto('journal_entries')
      .values({ ...row, leaf_hash: leaf })
      .execute();
  }
  const { size, peaks } = tree.state();
  await database
    .insertInto('journal_trees')
    .values({ name: 'journal', size, peaks: JSON.stringify(peaks) })
    .execute();
  await database.destroy();
}
