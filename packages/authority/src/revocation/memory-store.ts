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
    forget: async (ids) => {
      for (const id of ids) acts.delete(id);
    },
    nextCrlNumber: async (least) => {
      crlNumber = Math.max(crlNumber + 1, least);
      return crlNumber;
    },
  };
}

/** A revocation epoch that lasts as long as the process. */
export function createMemoryRevocationEpoch(): RevocationEpoch {
  const acts: RevocationAct[] = [];
  let forgottenBefore = 0;
  return {
    acts,
    get forgottenBefore(): number {
      return forgottenBefore;
    },
    append: async (act) => {
      acts.push(act);
    },
    forget: async (over, endedBefore) => {
      const ids = new Set(over.map(({ id }) => id));
      acts.splice(0, acts.length, ...acts.filter(({ id }) => !ids.has(id)));
      forgottenBefore = endedBefore;
    },
  };
}
