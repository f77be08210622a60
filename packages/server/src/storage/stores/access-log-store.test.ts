import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { AccessLogStore } from '../../telemetry/store.ts';
import { type Database, openDatabase } from '../database.ts';
import { sqliteEngine } from '../sqlite/engine.ts';
import { createAccessLogStore } from './access-log-store.ts';

describe('the access-log store', () => {
  let directory = '';
  let database: Database;
  let store: AccessLogStore;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rampart-logs-'));
    database = await openDatabase(sqliteEngine(join(directory, 'rampart.db')));
    store = createAccessLogStore(database);
  });

  afterEach(async () => {
    await database.close();
    await rm(directory, { recursive: true });
  });

  async function add(sequence: number, receivedAt: number): Promise<number | undefined> {
    const records = new Uint8Array(100);
    return store.add({ spiffeId: 's', reporter: 'r', sequence, receivedAt, recordCount: 1, records, connections: [] });
  }

  async function kept(): Promise<number[]> {
    return (await store.newest({ limit: 10_000 })).map(({ sequence }) => sequence).reverse();
  }

  it('gives positions in order, and none to a repeated batch', async () => {
    assert.deepEqual(await Promise.all([add(1, 1), add(2, 1), add(1, 1), add(3, 1)]), [1, 2, undefined, 3]);
  });

  it('reads newest first, before a position', async () => {
    await Promise.all([add(1, 1), add(2, 1), add(3, 1)]);
    assert.deepEqual(
      (await store.newest({ limit: 2 })).map(({ position }) => position),
      [3, 2],
    );
    assert.deepEqual(
      (await store.newest({ before: 2, limit: 2 })).map(({ position }) => position),
      [1],
    );
  });

  it('drops what is too old', async () => {
    await Promise.all([add(1, 10), add(2, 20), add(3, 30)]);
    assert.equal(await store.prune({ receivedBefore: 25, keepBytes: 1e9 }), 2);
    assert.deepEqual(await kept(), [3]);
  });

  it('drops the oldest beyond a budget', async () => {
    await Promise.all([add(1, 10), add(2, 20), add(3, 30)]);
    assert.equal(await store.prune({ receivedBefore: 0, keepBytes: 210 }), 1);
    assert.deepEqual(await kept(), [2, 3]);
    await Promise.all([add(4, 40), add(2, 40)]);
    assert.equal(await store.prune({ receivedBefore: 0, keepBytes: 210 }), 1);
    assert.deepEqual(await kept(), [3, 4]);
  });

  it('drops any number', async () => {
    await Promise.all(Array.from({ length: 1201 }, (_, index) => add(index, 1)));
    assert.equal(await store.prune({ receivedBefore: 2, keepBytes: 1e9 }), 1201);
    assert.equal(await store.prune({ receivedBefore: 2, keepBytes: 1e9 }), 0);
    assert.equal(await add(9999, 1), 1202);
  });
});
