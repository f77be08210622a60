import { RampartError } from '@rampart/core';
import type { CheckpointStore, SignedCheckpoint } from './store.ts';

/** Keeps checkpoints in memory, for tests. */
export function createMemoryCheckpointStore(): CheckpointStore {
  const kept: SignedCheckpoint[] = [];
  return {
    add: async (checkpoint) => {
      if (checkpoint.size <= (kept.at(-1)?.size ?? -1)) {
        throw new RampartError('STORAGE_FAILED', `a checkpoint of ${checkpoint.size} entries does not follow`);
      }
      kept.push(checkpoint);
    },
    latest: async () => kept.at(-1),
    moments: async () => kept.map(({ size, at }) => ({ size, at })),
    thin: async ({ than, everyMs }) => {
      const span = ({ at }: SignedCheckpoint): number => Math.floor(at / everyMs);
      const lasts = new Map(kept.filter(({ at }) => at < than).map((each) => [span(each), each]));
      const staying = kept.filter((each) => each.at >= than || lasts.get(span(each)) === each || each === kept.at(-1));
      kept.splice(0, kept.length, ...staying);
    },
  };
}
