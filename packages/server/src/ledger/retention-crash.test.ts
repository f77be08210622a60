import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { type AuditEvent, parseVerifierKey, verifyJournal } from '@rampart/journal';
import { createSystemClock } from '../clock.ts';
import { openDatabase } from '../storage/database.ts';
import { sqliteEngine } from '../storage/sqlite/engine.ts';
import { createJournalStore } from '../storage/stores/journal-store.ts';
import { writeAgedJournal } from '../testing/aged-journal.ts';
import { ended } from '../testing/plane-process.ts';

const DAYS = 40;
const A_DAY = 300;
const DUE = (DAYS - 30) * A_DAY;
const ROUNDS = 4;

/** Lets records expire, and prints the key that its word is signed with. */
const SWEEPER = `
const [, directory] = process.argv;
const url = (path) => new URL(path, ${JSON.stringify(import.meta.url)}).href;
const { Checkpoints, Journal, Retention } = await import('@rampart/journal');
const { FileKeyStore, fromKeyFile } = await import('@rampart/keyring');
const { retentionDays } = await import('@rampart/core');
const { openDatabase } = await import(url('../storage/database.ts'));
const { sqliteEngine } = await import(url('../storage/sqlite/engine.ts'));
const { createJournalStore } = await import(url('../storage/stores/journal-store.ts'));
const { createCheckpointStore } = await import(url('../storage/stores/checkpoint-store.ts'));
const { createSystemClock } = await import(url('../clock.ts'));
const keyEncryptionKey = await fromKeyFile(directory + '/keys/master.key');
const signer = await new FileKeyStore({ directory: directory + '/keys', keyEncryptionKey }).open('journal');
const database = await openDatabase(sqliteEngine(directory + '/rampart.db'));
const store = createJournalStore(database);
const moments = createCheckpointStore(database);
const clock = createSystemClock();
const journal = await Journal.open(store, clock);
const checkpoints = await Checkpoints.open({ journal, store: moments, signer, origin: 'cluster.local/journal', clock });
console.log(checkpoints.key.text);
await new Retention({ journal, store, checkpoints, moments, clock, days: () => retentionDays() }).sweep();
await database.close();
`;

describe('a process that is killed while records expire', () => {
  it(`leaves each either whole or expired with a word that lets it, ${ROUNDS} times`, async () => {
    const root = await mkdtemp(join(tmpdir(), 'rampart-expiry-'));
    const directory = join(root, 'data');
    try {
      const query: AuditEvent = { eventType: 'DISCOVERY_QUERY', result: 'SUCCESS' };
      const daily = Array.from({ length: A_DAY }, () => query);
      await writeAgedJournal(directory, { days: DAYS, until: createSystemClock().now(), daily });
      let expired = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const key = await sweepUntil(
          directory,
          round === ROUNDS - 1 ? undefined : expired + randomInt(1, DUE / ROUNDS),
        );
        const { sound, gone } = await judge(directory, key);
        assert.equal(sound, true, `round ${round}`);
        assert.ok(gone >= expired && gone % 50 === 0, `${expired} were expired, ${gone} are`);
        expired = gone;
      }
      assert.equal(expired, DUE);
    } finally {
      await rm(root, { recursive: true });
    }
  });
});

/** Runs a sweep that is killed when so many records have expired; the verifier key. */
async function sweepUntil(directory: string, records: number | undefined): Promise<string> {
  const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', SWEEPER, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: new URL('.', import.meta.url),
  });
  let key = '';
  for await (const line of child.stdout) {
    key += String(line);
    if (records !== undefined && key.endsWith('\n')) await killAt(directory, records, () => child.kill('SIGKILL'));
  }
  await ended(child);
  return key.trim();
}

async function killAt(directory: string, records: number, kill: () => void): Promise<void> {
  const database = new DatabaseSync(join(directory, 'rampart.db'), { readOnly: true });
  const count = database.prepare(`SELECT count(*) AS n FROM journal_entries WHERE body = ''`);
  while (Number(count.get()?.['n']) < records) await new Promise((resolve) => void setImmediate(resolve));
  kill();
  database.close();
}

async function judge(directory: string, text: string): Promise<{ readonly sound: boolean; readonly gone: number }> {
  const key = parseVerifierKey(text);
  assert.ok(key.ok, text);
  const database = await openDatabase(sqliteEngine(join(directory, 'rampart.db')));
  const store = createJournalStore(database);
  const verified = await verifyJournal(store, key.value);
  const all = await store.read({ withExpired: true, limit: 1_000_000, order: 'oldest-first' });
  await database.close();
  return { sound: verified.ok, gone: all.filter(({ body }) => body === '').length };
}
