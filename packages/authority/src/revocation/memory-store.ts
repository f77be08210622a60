import type { RevocationAct } from './act.ts';
import type { RevocationEpoch, RevocationStore } from './store.ts';

/** A revocation store that keeps everything in memory. */
export function createMemoryRevocationStore(): RevocationStore {
  const acts = new Map<string, RevocationAct>();
  let crlNumber = 0;
  return {
    addAct: async (act) => {
      if (!acts.has(act.id)) acts.set(act.id, act);
    },
    acts: async () => [...acts.values()],
    nextCrlNumber: async (least) => {
      crlNumber = Math.max(crlNumber + 1, least);
      return crlNumber;
    },
  };
}

/** A revocation epoch that lasts as long as the process. */
export function createMemoryRevocationEpoch(): RevocationEpoch {
  const acts: RevocationAct[] = [];
  return {
    acts,
    append: async (act) => {
      acts.push(act);
    },
  };
}
