import { RampartError, SpiffeId, type TrustDomain } from '@rampart/core';
import { parseCertificate } from '@rampart/spiffe';
import { refuseLostDatabase, refuseLostTables } from '../directory/lost-database.ts';
import { type Database, openDatabase } from '../storage/database.ts';
import { sqliteEngine } from '../storage/sqlite/engine.ts';
import { createHierarchyStore } from '../storage/stores/hierarchy-store.ts';
import type { Start } from './start.ts';

/**
 * Opens the database of the data directory.
 * @throws RampartError DATA_DIRECTORY_UNREADABLE where it was lost, INVALID_ARGUMENT where it is of another trust domain, STORAGE_FAILED.
 */
export async function openOwnDatabase(
  { directory, teardown }: Pick<Start, 'directory' | 'teardown'>,
  trustDomain: TrustDomain,
): Promise<Database> {
  await refuseLostDatabase(directory);
  const database = await openDatabase(sqliteEngine(directory.database), () => refuseLostTables(directory));
  teardown.add('database', () => database.close());
  const own = await trustDomainOf(database);
  if (own === undefined || own.equals(trustDomain)) return database;
  throw new RampartError(
    'INVALID_ARGUMENT',
    `${directory.path} is of trust domain ${own.name}, not ${trustDomain.name}; start with --trust-domain ${own.name}, or begin another mesh in an empty directory`,
  );
}

/** That of the intermediate that was made last; undefined before there is one. */
async function trustDomainOf(database: Database): Promise<TrustDomain | undefined> {
  const certificates = await createHierarchyStore(database).caCertificates();
  const last = certificates.findLast(({ kind }) => kind === 'intermediate');
  const parsed = last === undefined ? undefined : parseCertificate(last.der);
  const [name] = parsed?.ok === true ? parsed.value.uriSans : [];
  const id = name === undefined ? undefined : SpiffeId.parse(name);
  return id?.ok === true ? id.value.trustDomain : undefined;
}
