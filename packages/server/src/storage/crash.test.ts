import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { localKeyEncryptionKey } from '@rampart/keyring';
import { SensitiveKeys } from '@rampart/registry';
import { openDatabase } from './database.ts';
import { sqliteEngine } from './sqlite/engine.ts';
import { createJournalStore } from './stores/journal-store.ts';
import { createRegistryStore } from './stores/registry/registry-store.ts';
import { InstanceSecrets } from './stores/registry/instance-secrets.ts';

/** Appends to the journal and saves instances as fast as it can, and prints what was acknowledged. */
const SEALING = new InstanceSecrets(localKeyEncryptionKey(new Uint8Array(32)), () => new SensitiveKeys());

const WRITER = `
const [, file, from] = process.argv;
const url = (path) => new URL(path, ${JSON.stringify(import.meta.url)}).href;
const { openDatabase } = await import(url('./database.ts'));
const { sqliteEngine } = await import(url('./sqlite/engine.ts'));
const { createJournalStore } = await import(url('./stores/journal-store.ts'));
const { createRegistryStore } = await import(url('./stores/registry/registry-store.ts'));
const database = await openDatabase(sqliteEngine(file));
const journal = createJournalStore(database);
const registry = createRegistryStore(database, { mustSeal: () => false });
let sequence = (await journal.tree()).size;
for (;;) {
  const writes = Array.from({ length: 8 }, () => {
    sequence += 1;
    const mine = sequence;
    const entry = { sequence: mine, at: mine, stream: 'audit', kind: 'K', body: String(mine), leafHash: 'h' };
    const instance = { instanceId: 'i' + mine, service: 's', namespace: 'n', identity: 'x', owner: 'x', host: 'h', port: 1, protocol: 'http', labels: {}, tags: [], metadata: {}, weights: { passing: 1, warning: 1 }, checks: [], registeredAt: mine };
    return Promise.all([journal.append({ entries: [entry], tree: { size: mine, peaks: [] }, nodes: [] }), registry.save({ instance, standing: { draining: false }, checks: [] })]).then(() => process.stdout.write(mine + '\\n'));
  });
  await Promise.all(writes);
}
`;

async function writeUntilKilled(file: string, lines: number): Promise<number> {
  const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', WRITER, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  assert.ok(child.stdout !== null);
  let acknowledged = 0;
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged = Number(line);
    seen += 1;
    if (seen === lines) {
      child.kill('SIGKILL');
    }
  }
  if (child.exitCode === null && child.signalCode === null) {
    await once(child, 'exit');
  }
  return acknowledged;
}

describe('a process killed while it writes', () => {
  it('leaves everything it acknowledged, in order and without a gap', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'rampart-crash-'));
    const file = join(directory, 'rampart.db');
    try {
      for (const lines of [5, 60, 333]) {
        const acknowledged = await writeUntilKilled(file, lines);
        const database = await openDatabase(sqliteEngine(file));
        const entries = await createJournalStore(database).read({ limit: 100_000, order: 'oldest-first' });
        const { size } = await createJournalStore(database).tree();
        const instances = new Set(
          (await createRegistryStore(database, SEALING).instances()).map(({ instance }) => instance.instanceId),
        );
        await database.close();
        assert.ok(entries.length >= acknowledged, `${acknowledged} acknowledged, ${entries.length} kept`);
        assert.equal(size, entries.length);
        assert.deepEqual(
          entries.map(({ sequence }) => sequence),
          Array.from({ length: size }, (_, index) => index + 1),
        );
        for (let sequence = 1; sequence <= acknowledged; sequence += 1) {
          assert.ok(instances.has(`i${sequence}`));
        }
      }
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
