import { fail, ok, type Result } from '@rampart/core';
import {
  Journal,
  type JournalHead,
  openCheckpoint,
  type VerifierKey,
  verifyConsistency,
  verifyJournal,
} from '@rampart/journal';
import { createSystemClock } from '../clock.ts';
import { type Database, openDatabase } from '../storage/database.ts';
import { damageOf } from '../storage/sqlite/copy.ts';
import { sqliteEngine } from '../storage/sqlite/engine.ts';
import { createCheckpointStore } from '../storage/stores/checkpoint-store.ts';
import { createJournalStore } from '../storage/stores/journal-store.ts';

/**
 * Recomputes the journal of a copy from its entries, and holds it against the last checkpoint that was signed; the problem goes
 * on from "the backup FILE". Brings the tables of the copy up to date.
 */
export async function judgeCopy(file: string, key: VerifierKey): Promise<Result<JournalHead, string>> {
  const damage = damageOf(file);
  if (damage !== undefined) return fail(`has a damaged database: ${damage}`);
  const database = await openDatabase(sqliteEngine(file));
  try {
    return await judge(database, key);
  } finally {
    await database.close();
  }
}

async function judge(database: Database, key: VerifierKey): Promise<Result<JournalHead, string>> {
  const store = createJournalStore(database);
  const found = await verifyJournal(store, key);
  if (!found.ok) return fail(`has a journal that was changed: ${found.problem.message}`);
  const signed = await createCheckpointStore(database).latest();
  if (signed === undefined) return found;
  const checkpoint = openCheckpoint(signed.note, key);
  if (!checkpoint.ok) return fail(`has a checkpoint that is not to be trusted: ${checkpoint.problem}`);
  const { size, root } = checkpoint.value;
  const continuation = `does not go on from the ${size} entries that were signed last`;
  if (found.value.size < size) return fail(continuation);
  const journal = await Journal.open(store, createSystemClock());
  const proof = await journal.consistency(size, found.value.size);
  return verifyConsistency(proof, root, found.value.root) ? ok(found.value) : fail(continuation);
}
