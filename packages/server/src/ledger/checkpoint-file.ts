import { readFile } from 'node:fs/promises';
import { RampartError } from '@rampart/core';
import type { CheckpointAnchor } from '@rampart/journal';
import { writeFileAtomically } from '../directory/atomic-file.ts';

const OWNER_ONLY = 0o600;

/** Keeps the last checkpoint in a file. Throws `RampartError` DATA_DIRECTORY_UNREADABLE. */
export function checkpointFile(path: string): CheckpointAnchor {
  return {
    place: path,
    read: async () => {
      try {
        return await readFile(path, 'utf8');
      } catch (cause) {
        if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
        const message = `${path} cannot be read; check its owner and its disk`;
        throw new RampartError('DATA_DIRECTORY_UNREADABLE', message, { cause });
      }
    },
    write: (text) => writeFileAtomically(path, { text, mode: OWNER_ONLY }),
  };
}
