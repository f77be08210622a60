import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { localKeyEncryptionKey } from '@rampart/keyring';
import { SensitiveKeys } from '@rampart/registry';
import { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import { openDatabase } from '../database.ts';
import { sqliteEngine } from '../sqlite/engine.ts';
import { createRegistryStore } from '../stores/registry/registry-store.ts';
import { InstanceSecrets } from '../stores/registry/instance-secrets.ts';
import type { InstanceTable, Tables } from '../tables.ts';
import { migrationProvider } from './provider.ts';

const BEFORE = '2026-11-verifiable-journal';
const ROW: Omit<InstanceTable, 'owner' | 'details' | 'state'> = {
  instance_id: 'orders-1',
  service: 'orders',
  namespace: 'default',
  identity: 'spiffe://cluster.local/ns/default/sa/orders',
  host: '10.0.0.1',
  port: 80,
  protocol: 'http',
  labels: '{"app":"orders"}',
  registered_at: 7,
};

const SEALING = new InstanceSecrets(localKeyEncryptionKey(new Uint8Array(32)), () => new SensitiveKeys());

describe('an instance that was registered before instances had a state', () => {
  it('is its own, is what instances usually are, and is in service', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'rampart-migration-'));
    const file = join(directory, 'rampart.db');
    try {
      await writeAsBefore(file);
      const database = await openDatabase(sqliteEngine(file));
      const [stored] = await createRegistryStore(database, SEALING).instances();
      await database.close();
      assert.deepEqual(stored, {
        instance: {
          instanceId: 'orders-1',
          service: 'orders',
          namespace: 'default',
          identity: ROW.identity,
          owner: ROW.identity,
          host: '10.0.0.1',
          port: 80,
          protocol: 'http',
          labels: { app: 'orders' },
          tags: [],
          metadata: {},
          weights: { passing: 1, warning: 1 },
          checks: [],
          registeredAt: 7,
        },
        standing: { draining: false },
        checks: [],
      });
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
  await database.insertInto('instances').values(ROW).execute();
  await database.destroy();
}
