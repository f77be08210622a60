import type { StorageEngine } from '../engine.ts';
import { SqliteDialect } from './dialect.ts';

/** The embedded default: one file, built into Node, nothing to install. */
export function sqliteEngine(file: string): StorageEngine {
  return { name: 'sqlite', dialect: new SqliteDialect(file), bytesType: 'blob' };
}
