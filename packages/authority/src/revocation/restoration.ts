import { RampartError } from '@rampart/core';
import type { Journal } from '@rampart/journal';
import type { Revocations } from '../revocations.ts';
import type { AuthorityStore } from '../store.ts';
import { endOf, reasonText, type RevocationAct } from './act.ts';
import { restoredEntry, restoredEvent } from './events.ts';
import { scopeOf } from './scope.ts';
import type { RevocationEpoch, RevocationStore } from './store.ts';

export interface RestorationOptions {
  readonly store: AuthorityStore;
  readonly acts: RevocationStore;
  readonly epoch: RevocationEpoch;
  readonly journal: Journal;
  /** Unix milliseconds: what has had no effect since before that is left as it is. */
  readonly forgottenBefore: number;
}

/**
 * Puts in force what the epoch and the database hold, together. What the database lacks, because an old copy of it was put
 * back or the process died between the two, is put there and on record. Returns the serials of authorities among them.
 * @throws RampartError DATA_DIRECTORY_UNREADABLE when the epoch lacks what the database holds.
 */
export async function restoreRevocations(
  { store, acts, epoch, journal, forgottenBefore }: RestorationOptions,
  inForce: Revocations,
): Promise<readonly string[]> {
  const stored = await acts.acts();
  const known = new Set(stored.map(({ id }) => id));
  const missing = epoch.acts.filter(({ id }) => !known.has(id));
  for (const act of missing) {
    await Promise.all([journal.append('ledger', restoredEntry(act)), journal.audit(restoredEvent(act))]);
    await acts.addAct(act);
  }
  const kept = new Set(epoch.acts.map(({ id }) => id));
  const lost = stored.filter(({ id }) => !kept.has(id)).length;
  if (lost > 0) throw shortened(lost);
  for (const act of epoch.acts) {
    inForce.restore(act);
    if (endOf(act) >= forgottenBefore) await mark(act, store);
  }
  return epoch.acts
    .flatMap((act) => (act.kind === 'certificates' ? act.certificates : []))
    .flatMap(({ kind, serial }) => (kind === 'root' || kind === 'intermediate' ? [serial] : []));
}

/** Records of certificates say that they are revoked, those too that an interrupted revocation did not come to. */
async function mark(act: RevocationAct, store: AuthorityStore): Promise<void> {
  if (act.kind === 'lift') return;
  const revocation = { at: act.at, reason: reasonText(act), by: act.by };
  for (const { serial, kind } of act.certificates) {
    if (kind !== 'root' && kind !== 'intermediate') await store.revokeCertificate(serial, revocation);
  }
  if (act.kind !== 'certificates') await store.revokeScope(scopeOf(act), { ...revocation, rule: act.id });
}

/** The database never holds what was not put in the file before. */
function shortened(lost: number): RampartError {
  return new RampartError(
    'DATA_DIRECTORY_UNREADABLE',
    `the revocation file lacks ${lost} revocations that the database holds: it is an old copy, or was cut; put the newest copy of it back`,
  );
}
