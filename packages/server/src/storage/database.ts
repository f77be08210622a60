import { RampartError } from '@rampart/core';
import { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import type { Reader, StorageEngine } from './engine.ts';
import { GroupWriter } from './group-writer.ts';
import { migrationProvider } from './migrations/provider.ts';
import type { Tables } from './tables.ts';

/** The open database: reads see the last commit, writes are committed in groups and by the writer alone. */
export interface Database {
  readonly reads: Kysely<Tables>;
  /** For what thousands of calls a second ask. */
  readonly reader: Reader;
  readonly writer: GroupWriter<Tables>;
  readonly engine: StorageEngine;
  /** Finishes the writes that were asked for, then closes. */
  close(): Promise<void>;
}

/**
 * Opens the database and brings its tables up to date. Before tables are made where there are none, `beginning` may refuse that.
 *
 * @throws RampartError STORAGE_FAILED when it is damaged, was written by a newer version or cannot be written; what `beginning` throws.
 */
export async function openDatabase(engine: StorageEngine, beginning?: () => Promise<void>): Promise<Database> {
  const kysely = new Kysely<Tables>({ dialect: engine.dialect });
  const log = engine.commitLog();
  let reader: Reader;
  try {
    await migrate(kysely, { engine, beginning });
    await log.sync();
    reader = engine.reader();
  } catch (cause) {
    await log.close().catch(() => undefined);
    await kysely.destroy().catch(() => undefined);
    await log.letGo().catch(() => undefined);
    if (cause instanceof RampartError) throw cause;
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new RampartError(
      'STORAGE_FAILED',
      `the ${engine.name} database cannot be opened: ${detail}; ${adviceOn(detail)}`,
      { cause },
    );
  }
  const committer = engine.committer();
  const writer = new GroupWriter(kysely, { log, committer });
  return {
    reads: kysely,
    reader,
    writer,
    engine,
    close: async () => {
      await writer.close();
      await committer.close();
      await log.close();
      reader.close();
      await kysely.destroy();
      await log.letGo();
    },
  };
}

function adviceOn(detail: string): string {
  return /\bfull\b/.test(detail) ? 'make room on the disk of the data directory' : 'restore it from a backup';
}

async function migrate(
  kysely: Kysely<Tables>,
  { engine, beginning }: { readonly engine: StorageEngine; readonly beginning: (() => Promise<void>) | undefined },
): Promise<void> {
  const migrator = new Migrator({ db: kysely, provider: migrationProvider(engine) });
  if (beginning !== undefined) {
    const migrations = await migrator.getMigrations();
    if (migrations.every(({ executedAt }) => executedAt === undefined)) await beginning();
  }
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) {
    throw error instanceof Error ? error : new Error('a migration failed without saying why');
  }
}
