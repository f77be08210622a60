import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { authorityStoreConformance } from '@rampart/authority/conformance';
import type { Companion } from '@rampart/journal';
import { checkpointStoreConformance, journalStoreConformance } from '@rampart/journal/conformance';
import { localKeyEncryptionKey } from '@rampart/keyring';
import { SensitiveKeys } from '@rampart/registry';
import { registryStoreConformance } from '@rampart/registry/conformance';
import { type Database, openDatabase } from '../database.ts';
import { sqliteEngine } from '../sqlite/engine.ts';
import type { Statement } from '../statement.ts';
import { createAuthorityStore } from './authority-store.ts';
import { createCheckpointStore } from './checkpoint-store.ts';
import { createJournalStore } from './journal-store.ts';
import { createRegistryStore } from './registry/registry-store.ts';
import { InstanceSecrets } from './registry/instance-secrets.ts';

const SEALING = new InstanceSecrets(localKeyEncryptionKey(new Uint8Array(32)), () => new SensitiveKeys(['te*']));

interface StoreUnderTest<Store> {
  readonly store: Store;
  reopen(): Promise<Store>;
  keep(companion: Companion): Promise<void>;
  close(): Promise<void>;
}

function onSqlite<Store>(createStore: (database: Database) => Store): () => Promise<StoreUnderTest<Store>> {
  return async () => {
    const directory = await mkdtemp(join(tmpdir(), 'rampart-store-'));
    const open = (): Promise<Database> => openDatabase(sqliteEngine(join(directory, 'rampart.db')));
    let database = await open();
    return {
      store: createStore(database),
      reopen: async () => {
        await database.close();
        database = await open();
        return createStore(database);
      },
      keep: ({ row, store }) =>
        database.writer.store(async () => {
          const statements: Statement[] = [];
          await store([row], statements);
          return statements;
        }),
      close: async () => {
        await database.close();
        await rm(directory, { recursive: true });
      },
    };
  };
}

journalStoreConformance('the SQLite journal store', onSqlite(createJournalStore));
checkpointStoreConformance('the SQLite checkpoint store', onSqlite(createCheckpointStore));
authorityStoreConformance('the SQLite authority store', onSqlite(createAuthorityStore));
registryStoreConformance(
  'the SQLite registry store',
  onSqlite((database) => createRegistryStore(database, SEALING)),
);
