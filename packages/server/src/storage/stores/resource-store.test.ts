import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import type { ResourceStore, StoredChange } from '../../resources/store.ts';
import { type Database, openDatabase } from '../database.ts';
import { migrationProvider } from '../migrations/provider.ts';
import { sqliteEngine } from '../sqlite/engine.ts';
import type { Tables } from '../tables.ts';
import { createResourceStore } from './resource-store.ts';

type Past = readonly { readonly key: string; readonly json: string }[] | 'compacted';

function change(revision: number, put: Readonly<Record<string, string>>, remove: readonly string[] = []): StoredChange {
  const records = Object.entries(put).map(([key, json]) => ({ key, json, createdAt: 1, revision }));
  const changes = [
    ...records.map(({ key }) => ({ key, outcome: 'created' as const })),
    ...remove.map((key) => ({ key, outcome: 'deleted' as const })),
  ];
  return { put: records, remove, entry: { revision, at: revision, actor: 'a', action: 'apply', restored: 0, changes } };
}

function textOf(past: Past): string {
  return past === 'compacted' ? past : past.map(({ key, json }) => `${key}=${json}`).join(' ');
}

describe('the history of resources', () => {
  let directory: string;
  let database: Database;
  const open = async (keep?: number): Promise<ResourceStore> => {
    database = await openDatabase(sqliteEngine(join(directory, 'rampart.db')));
    return createResourceStore(database, keep === undefined ? {} : { keep });
  };

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rampart-history-'));
  });
  afterEach(async () => {
    await database.close();
    await rm(directory, { recursive: true });
  });

  it('knows the set at each revision, and between them', async () => {
    const store = await open();
    await store.change(change(5, { a: '1', b: '1' }));
    await store.change(change(8, { a: '2' }, ['b']));
    await store.change(change(9, { b: '3' }));
    const known = [0, 4, 5, 7, 8, 9, 100];
    const texts = await Promise.all(known.map(async (revision) => textOf(await store.at(revision))));
    assert.deepEqual(texts, ['', '', 'a=1 b=1', 'a=1 b=1', 'a=2', 'a=2 b=3', 'a=2 b=3']);
  });

  it('tells who did what, newest first, also after a restart', async () => {
    const store = await open();
    await store.change(change(5, { a: '1' }));
    await store.change(change(8, {}, ['a']));
    await database.close();
    const again = await open();
    const [newest, ...older] = await again.revisions(10);
    assert.deepEqual(newest, {
      revision: 8,
      at: 8,
      actor: 'a',
      action: 'apply',
      restored: 0,
      changes: [{ key: 'a', outcome: 'deleted' }],
    });
    assert.deepEqual(
      older.map(({ revision }) => revision),
      [5],
    );
    assert.equal((await again.revisions(1)).length, 1);
  });

  it('lets go of the oldest revisions and says so, and keeps what is still in force', async () => {
    const store = await open(10);
    await store.change(change(1, { old: 'kept', gone: '1' }));
    await store.change(change(2, {}, ['gone']));
    for (let revision = 3; revision <= 40; revision += 1) await store.change(change(revision, { a: String(revision) }));
    const oldest = await store.oldest();
    assert.ok(oldest >= 21 && oldest <= 31, `oldest is ${oldest}`);
    assert.equal(await store.at(oldest - 1), 'compacted');
    assert.equal(textOf(await store.at(oldest)), `a=${oldest} old=kept`);
    assert.equal((await store.revisions(100)).at(-1)?.revision, oldest);
    const rows = await database.reads.selectFrom('resource_history').select(['key', 'revision']).execute();
    assert.ok(!rows.some(({ key }) => key === 'gone'));
  });

  it('knows every revision that is not compacted, whatever was done', async () => {
    const keys = ['a', 'b', 'c'];
    const step = fc.record({ key: fc.constantFrom(...keys), isDeleted: fc.boolean() });
    const steps = fc.array(step, { minLength: 1, maxLength: 60 });
    const store = await open(7);
    let revision = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (given) => {
        const sets: [number, string][] = [];
        let set = new Map((await store.all()).map(({ key, json }) => [key, json]));
        for (const { key, isDeleted } of given) {
          revision += 2;
          set = new Map(set);
          if (isDeleted) set.delete(key);
          else set.set(key, String(revision));
          await store.change(isDeleted ? change(revision, {}, [key]) : change(revision, { [key]: String(revision) }));
          sets.push([
            revision,
            [...set]
              .map((entry) => entry.join('='))
              .sort()
              .join(' '),
          ]);
        }
        const oldest = await store.oldest();
        for (const [at, text] of sets) assert.equal(textOf(await store.at(at)), at < oldest ? 'compacted' : text);
      }),
      { numRuns: 10 },
    );
  });

  it('begins with what there was before history was kept', async () => {
    const engine = sqliteEngine(join(directory, 'rampart.db'));
    const kysely = new Kysely<Tables>({ dialect: engine.dialect });
    const migrator = new Migrator({ db: kysely, provider: migrationProvider(engine) });
    await migrator.migrateTo('2026-11-first-tables');
    await kysely.insertInto('resources').values({ key: 'a', json: '1', created_at: 1, revision: 40 }).execute();
    await kysely.insertInto('counters').values({ name: 'revision', value: 1000 }).execute();
    await kysely.destroy();
    const store = await open();
    assert.equal(await store.oldest(), 1000);
    assert.equal(await store.at(999), 'compacted');
    assert.equal(textOf(await store.at(1000)), 'a=1');
    await store.change(change(1005, {}, ['a']));
    assert.equal(textOf(await store.at(1004)), 'a=1');
    assert.equal(textOf(await store.at(1005)), '');
  });
});
