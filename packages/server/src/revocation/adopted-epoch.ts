import { readFile } from 'node:fs/promises';
import { RampartError } from '@rampart/core';
import { openSealedSecret } from '@rampart/keyring';
import { writeFileAtomically } from '../directory/atomic-file.ts';
import { type ChainHead, EpochChain, type SoundLines } from './epoch-chain.ts';
import type { EpochFileOptions } from './epoch-file.ts';

export interface AdoptionOptions extends Pick<
  EpochFileOptions,
  'path' | 'keyPath' | 'headPath' | 'keyEncryptionKey' | 'trustDomain'
> {
  /** The revocation file that goes on from the one at `path`. */
  readonly newer: string;
}

const OWNER_ONLY = 0o600;
const NEWLINE = 0x0a;

/**
 * Puts a newer copy of a revocation file in the place of an older one, so that what was revoked in between stays revoked.
 * @throws RampartError DATA_DIRECTORY_UNREADABLE when it is damaged, of another control plane, or the older of the two.
 */
export async function adoptNewerRevocations(options: AdoptionOptions): Promise<void> {
  const { newer, path, keyPath, headPath, keyEncryptionKey: kek, trustDomain } = options;
  const { secret } = await openSealedSecret(keyPath, { kek, context: `revocations:${trustDomain}` });
  const chain = new EpochChain(secret, trustDomain);
  const bytes = await readFile(newer).catch((cause: unknown) => {
    throw unusable(newer, 'cannot be read', cause);
  });
  const lines = chain.read(bytes);
  if (lines === undefined) throw unusable(newer, 'is not that of the control plane that was backed up');
  // A writer that died leaves a part of a line, and nothing after it.
  if (bytes.indexOf(NEWLINE, lines.length) !== -1)
    throw unusable(newer, `is damaged in line ${lines.seals.length + 1}`);
  const older = chain.read(await readFile(path));
  if (older !== undefined && !goesOn(older, lines)) throw unusable(newer, 'is older than the one in the backup');
  const head: ChainHead = { count: lines.seals.length - 1, seal: lines.seals.at(-1) ?? '' };
  await writeFileAtomically(path, { text: bytes.subarray(0, lines.length).toString('utf8'), mode: OWNER_ONLY });
  await writeFileAtomically(headPath, { text: chain.headText(head), mode: OWNER_ONLY });
}

function goesOn(older: SoundLines, newer: SoundLines): boolean {
  if (newer.seals.includes(older.seals.at(-1) ?? '')) return true;
  // It was written anew since, without what had ended.
  return newer.compaction !== undefined && newer.compaction.endedBefore > (older.compaction?.endedBefore ?? 0);
}

function unusable(path: string, what: string, cause?: unknown): RampartError {
  const advice = 'name the newest copy of the revocation file of the control plane that was backed up';
  return new RampartError('DATA_DIRECTORY_UNREADABLE', `${path} ${what}; ${advice}`, { cause });
}
