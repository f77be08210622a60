import { randomUUID } from 'node:crypto';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuthorityStore, RevocationAct, RevocationEpoch, RevocationStore } from '@rampart/authority';
import type { Clock } from '@rampart/core';
import type { AuditEvent, Journal } from '@rampart/journal';
import type { KeyEncryptionKey } from '@rampart/keyring';
import type { DataDirectory } from '../directory/data-directory.ts';
import type { Logger } from '../log.ts';
import type { Database } from '../storage/database.ts';
import { readCounter, setCounter } from '../storage/stores/counter.ts';
import { createAuthorityStore } from '../storage/stores/authority-store.ts';
import { createRevocationStore } from '../storage/stores/revocations/revocation-store.ts';
import type { Teardown } from '../teardown.ts';
import { openEpochFile } from './epoch-file.ts';

export interface RevocationsOptions {
  readonly directory: DataDirectory;
  /** Undefined: in the data directory. */
  readonly revocationFile: string | undefined;
  /** The file is lost, and a new one is begun: an operator says so. */
  readonly beginRevocationFile: boolean;
  readonly journal: Pick<Journal, 'audit'>;
  readonly keyEncryptionKey: KeyEncryptionKey;
  readonly trustDomain: string;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Logger;
  readonly teardown: Teardown;
}

/** Counts 1 once there is a revocation file. */
const BEGUN = 'revocation_file';

/**
 * Where revocations are kept: in the database, and in a file apart from it. That there is such a file is remembered by its key,
 * its length, the database and the last checkpoint: where one of them is left, a file that is gone is no beginning. So this is
 * opened before a checkpoint is signed.
 * @throws RampartError DATA_DIRECTORY_UNREADABLE, KEY_UNREADABLE, STORAGE_FAILED.
 */
export async function openRevocations(
  options: RevocationsOptions,
): Promise<{ readonly acts: RevocationStore; readonly epoch: RevocationEpoch }> {
  const { directory, keyEncryptionKey, trustDomain, database, clock, log } = options;
  const acts = createRevocationStore(database);
  const path = options.revocationFile ?? directory.revocationFile;
  if (!(await isThere(path))) directory.adds(path);
  const epoch = await openEpochFile({
    path,
    keyPath: join(directory.keys, 'revocations.key'),
    headPath: join(directory.keys, 'revocations.head'),
    keyEncryptionKey,
    trustDomain,
    isLost: options.beginRevocationFile,
    isExpected: async () => (await readCounter(database.reads, BEGUN)) > 0 || (await isThere(directory.checkpointFile)),
    earlier: async () => [...(await acts.acts()), ...(await actOf(createAuthorityStore(database), clock.now()))],
    dropped: (bytes) => log.warn({ path, bytes }, 'the end of the revocation file was cut off, as after a crash'),
  });
  options.teardown.add('revocation file', () => epoch.close());
  if (options.beginRevocationFile) await options.journal.audit(begunAnew(path, epoch.acts.length));
  await database.writer.write((transaction) => setCounter(transaction, BEGUN, 1));
  return { acts, epoch };
}

function begunAnew(path: string, known: number): AuditEvent {
  const details = { path, revocations: known };
  return { eventType: 'REVOCATION_FILE_BEGUN', identity: 'operator', result: 'SUCCESS', details };
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** What was revoked before there was a file. */
async function actOf(store: AuthorityStore, now: number): Promise<RevocationAct[]> {
  const revoked = await store.revokedBySerial(0);
  if (revoked.length === 0) return [];
  const certificates = revoked.map(({ serial, kind, spiffeId, issuer, notAfter }) => ({
    serial,
    kind,
    spiffeId,
    issuer,
    notAfter,
  }));
  const note = 'revoked before the revocation file began';
  return [
    { kind: 'certificates', id: randomUUID(), at: now, by: 'authority', reason: 'unspecified', note, certificates },
  ];
}
