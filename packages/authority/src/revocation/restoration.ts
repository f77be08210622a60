import { RampartError } from '@rampart/core';
import { type EntryFields, type Journal, type JournalEntry, REVOKING } from '@rampart/journal';
import type { Revocations } from '../revocations.ts';
import type { AuthorityStore } from '../store.ts';
import { certificatesIn, endOf, isRule, reasonText, type RevocationAct, type RuleAct } from './act.ts';
import { failedEntry, restoredEntry, restoredEvent, unfinishedEvent } from './events.ts';
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

/** Acts that become durable together. */
const AT_ONCE = 250;
/** Fewer that are over are not worth writing the others again. */
const FEWEST_FORGOTTEN = 100;

/**
 * Puts in force what the epoch and the database hold, together. What the database lacks, because an old copy of it was put
 * back or the process died between the two, is put there and on record. Returns the serials of authorities among them.
 * @throws RampartError DATA_DIRECTORY_UNREADABLE when the epoch lacks what the database holds.
 */
export async function restoreRevocations(
  options: RestorationOptions,
  inForce: Revocations,
): Promise<readonly string[]> {
  const { acts, epoch } = options;
  const over = Math.max(options.forgottenBefore, epoch.forgottenBefore);
  const stored = await acts.acts();
  const known = new Set(stored.map(({ id }) => id));
  await restore(
    epoch.acts.filter((act) => !known.has(act.id) && endOf(act) >= over),
    options,
  );
  const kept = new Set(epoch.acts.map(({ id }) => id));
  const lost = stored.filter((act) => !kept.has(act.id) && endOf(act) >= over).length;
  if (lost > 0) throw shortened(lost);
  await takeBackUnfinished(new Set([...known, ...kept]), options);
  for (const act of epoch.acts) inForce.restore(act);
  await markCertificates(epoch.acts, options);
  for (const act of epoch.acts.filter(isRule)) {
    if (endOf(act) >= options.forgottenBefore) await markRule(act, options);
  }
  await forget(stored, options);
  return epoch.acts
    .flatMap(certificatesIn)
    .flatMap(({ kind, serial }) => (kind === 'root' || kind === 'intermediate' ? [serial] : []));
}

/** The ledger has it first: a process that dies then leaves the last one there, and nowhere else. */
async function takeBackUnfinished(ids: ReadonlySet<string>, { journal }: RestorationOptions): Promise<void> {
  const newest = (kind: string): Promise<readonly JournalEntry[]> =>
    journal.read({ stream: 'ledger', kind, limit: 1, order: 'newest-first' });
  const found = (await Promise.all([...REVOKING, 'REVOCATION_FAILED'].map(newest))).flat();
  const last = found.reduce<JournalEntry | undefined>(
    (best, entry) => (best === undefined || entry.sequence > best.sequence ? entry : best),
    undefined,
  );
  if (last === undefined || last.kind === 'REVOCATION_FAILED') return;
  const fields = JSON.parse(last.body) as EntryFields;
  const { revocation: id, spiffe_id: spiffeId, requested_by: by } = fields;
  if (typeof id !== 'string' || ids.has(id)) return;
  const isRuled = typeof fields['issued_until'] === 'number';
  const act = { id, spiffeId: isRuled ? String(spiffeId) : '', serials: [], by: String(by) };
  await Promise.all([journal.append('ledger', failedEntry(act)), journal.audit(unfinishedEvent(act))]);
}

async function restore(missing: readonly RevocationAct[], { acts, journal }: RestorationOptions): Promise<void> {
  for (let start = 0; start < missing.length; start += AT_ONCE) {
    const some = missing.slice(start, start + AT_ONCE);
    await Promise.all(
      some.flatMap((act) => [journal.append('ledger', restoredEntry(act)), journal.audit(restoredEvent(act))]),
    );
    await Promise.all(some.map((act) => acts.addAct(act)));
  }
}

/** Records of certificates say that they are revoked, those too that an interrupted revocation did not come to. */
async function markCertificates(
  acts: readonly RevocationAct[],
  { store, forgottenBefore }: RestorationOptions,
): Promise<void> {
  const named = new Map<string, RevocationAct>();
  for (const act of acts) {
    for (const { serial, kind, notAfter } of certificatesIn(act)) {
      const isLeaf = kind !== 'root' && kind !== 'intermediate';
      if (isLeaf && notAfter >= forgottenBefore && !named.has(serial)) named.set(serial, act);
    }
  }
  const unmarked = (await store.certificatesOf([...named.keys()])).filter(({ revocation }) => revocation === undefined);
  const byAct = Map.groupBy(unmarked, ({ serial }) => named.get(serial));
  for (const [act, certificates] of byAct) {
    if (act === undefined) continue;
    const serials = certificates.map(({ serial }) => serial);
    await store.revokeCertificates(serials, { at: act.at, reason: reasonText(act), by: act.by });
  }
}

async function markRule(act: RuleAct, { store, forgottenBefore }: RestorationOptions): Promise<void> {
  const scope = scopeOf(act);
  const { count } = await store.scopeContent(scope, forgottenBefore);
  if (count === 0) return;
  await store.revokeScope(scope, { at: act.at, reason: reasonText(act), by: act.by, rule: act.id });
}

/** Drops what is over once that is the greater part: the epoch is read whole at each start. */
async function forget(
  stored: readonly RevocationAct[],
  { acts, epoch, forgottenBefore }: RestorationOptions,
): Promise<void> {
  // The last one shows that what the ledger has of it came about.
  const last = epoch.acts.findLast((act) => isRule(act) || act.kind === 'certificates');
  const isOver = (act: RevocationAct): boolean => endOf(act) < forgottenBefore && act.id !== last?.id;
  const over = epoch.acts.filter(isOver);
  if (over.length < FEWEST_FORGOTTEN || over.length * 2 < epoch.acts.length) return;
  await acts.forget(stored.filter(isOver).map(({ id }) => id));
  await epoch.forget(over, forgottenBefore);
}

/** The database never holds what was not put in the file before. */
function shortened(lost: number): RampartError {
  return new RampartError(
    'DATA_DIRECTORY_UNREADABLE',
    `the revocation file lacks ${lost} revocations that the database holds: it is an old copy, or was cut; put the newest copy of it back`,
  );
}
