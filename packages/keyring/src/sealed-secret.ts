import { randomBytes } from 'node:crypto';
import { KEY_OCTETS } from './key-encryption-key.ts';
import { createPrivateFile, readPrivateFile, unreadableFile } from './private-file.ts';
import { open, seal, type SealOptions } from './seal.ts';

/** 32 random bytes that are kept sealed in a file. */
export interface SealedSecret {
  readonly secret: Uint8Array;
  /** It was made by this call. */
  readonly isNew: boolean;
}

/**
 * The secret of a file (mode 0600), made when it is missing.
 * @throws RampartError KEY_UNREADABLE when others may read the file, or it was not sealed under this key and for this context.
 */
export async function openSealedSecret(path: string, options: SealOptions): Promise<SealedSecret> {
  const existing = await readPrivateFile(path);
  if (existing !== undefined) return { secret: await open(existing, options), isNew: false };
  const secret = new Uint8Array(randomBytes(KEY_OCTETS));
  if (await createPrivateFile(path, await seal(secret, options))) return { secret, isNew: true };
  throw unreadableFile(path, 'was made by somebody else at the same moment; start again');
}
