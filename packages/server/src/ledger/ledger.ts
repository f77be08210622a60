import { setImmediate as turn } from 'node:timers/promises';
import { type CertificateRecord, normalizeSerial } from '@rampart/authority';
import { RampartError } from '@rampart/core';
import {
  type Checkpoints,
  type EntryFields,
  type InclusionProof,
  type Journal,
  type JournalEntry,
  openCheckpoint,
  revokes,
  REVOKING,
  type SignedCheckpoint,
} from '@rampart/journal';
import { type BackupCaller, recordBackup } from '../backup/record.ts';
import type { Database } from '../storage/database.ts';
import { createAuthorityStore } from '../storage/stores/authority-store.ts';

export interface LedgerParts {
  readonly database: Database;
  readonly journal: Journal;
  readonly checkpoints: Checkpoints;
}

/** An entry, and that it is in the journal. */
export interface ProvenEntry {
  readonly entry: JournalEntry;
  readonly proof: InclusionProof;
}

/** Entries of one certificate: no more than a few. */
const MOST_OF_ONE = 1000;
/** Tokens are no certificates, and there may be thousands of them an hour. */
const TOKENS: ReadonlySet<string> = new Set(['JWT_SVID_ISSUED']);
const PROVEN_AT_ONCE = 50;
const RULES = REVOKING.filter((kind) => kind !== 'CERTIFICATE_REVOKED');
const PAGE = 500;
/** Entries that are searched before others have their turn. */
const SEARCHED = 5000;

/** What is on record of certificates, and the proof of it. */
export class Ledger {
  readonly #parts: LedgerParts;

  constructor(parts: LedgerParts) {
    this.#parts = parts;
  }

  get verifierKey(): string {
    return this.#parts.checkpoints.key.text;
  }

  /** Puts a backup on the audit record. Throws INVALID_BACKUP for a manifest that the key of the checkpoints has not signed. */
  recordBackup(manifest: string, caller: BackupCaller): Promise<JournalEntry> {
    const { checkpoints, journal } = this.#parts;
    return recordBackup(manifest, { key: checkpoints.key, journal }, caller);
  }

  /** The certificate, until a day after its end, and the entries about it, oldest first. */
  async certificate(
    text: string,
  ): Promise<{ readonly certificate: CertificateRecord | undefined; readonly entries: readonly JournalEntry[] }> {
    const serial = normalizeSerial(text);
    const certificate = await createAuthorityStore(this.#parts.database).certificate(serial);
    const told = certificate === undefined ? [] : await this.#entriesOf(certificate.spiffeId, serial);
    // What is on record may be gone, or be wrong about whose it is; the ledger is not.
    const spiffeId = told.length > 0 ? undefined : await this.#identityOf(serial);
    const entries = spiffeId === undefined ? told : await this.#entriesOf(spiffeId, serial);
    const isOwn = (entry: JournalEntry): boolean => fieldsOf(entry)['serial'] === serial;
    const rules = await this.#rulesThatHit(entries.filter(isOwn), MOST_OF_ONE);
    return { certificate, entries: inOrder([...entries, ...rules]) };
  }

  /** Revocations by rule, and restored ones, that are about any issuance among these entries; and which did not come about. */
  async #rulesThatHit(entries: readonly JournalEntry[], limit: number): Promise<readonly JournalEntry[]> {
    const issued = entries.map(fieldsOf).filter(isIssuance);
    // A rule that is about no single identity stands under "".
    const subjects = issued.length === 0 ? [] : ['', ...new Set(issued.map((fields) => String(fields['spiffe_id'])))];
    const read = (spiffeId: string, kind: string): Promise<readonly JournalEntry[]> =>
      this.#parts.journal.read({ spiffeId, kind, limit, order: 'newest-first' });
    const found = await Promise.all(subjects.flatMap((spiffeId) => RULES.map((kind) => read(spiffeId, kind))));
    const rules = found.flat().filter((entry) => {
      const rule = fieldsOf(entry);
      return issued.some((fields) => revokes(rule, fields));
    });
    return [...rules, ...(await this.#failuresOf([...entries, ...rules], subjects))];
  }

  /** What says that revocations among these entries did not come about. */
  async #failuresOf(entries: readonly JournalEntry[], subjects: readonly string[]): Promise<readonly JournalEntry[]> {
    const ids = new Set(
      entries.filter(({ kind }) => REVOKING.includes(kind)).map((each) => fieldsOf(each)['revocation']),
    );
    if (ids.size === 0) return [];
    const query = { kind: 'REVOCATION_FAILED', limit: MOST_OF_ONE, order: 'newest-first' } as const;
    const read = (spiffeId: string): Promise<readonly JournalEntry[]> =>
      this.#parts.journal.read({ ...query, spiffeId });
    const found = await Promise.all(subjects.map(read));
    return found.flat().filter((entry) => ids.has(fieldsOf(entry)['revocation']));
  }

  async #entriesOf(spiffeId: string, serial: string): Promise<readonly JournalEntry[]> {
    const about = (field: 'serial' | 'old_serial'): Promise<readonly JournalEntry[]> =>
      this.#parts.journal.read({
        spiffeId,
        about: { field, value: serial },
        limit: MOST_OF_ONE,
        order: 'oldest-first',
      });
    const [own, replaced] = await Promise.all([about('serial'), about('old_serial')]);
    return [...own, ...replaced];
  }

  /** Of a certificate that only the ledger knows still: goes through all of it, in parts. */
  async #identityOf(serial: string): Promise<string | undefined> {
    const { journal } = this.#parts;
    const query = { about: { field: 'serial', value: serial }, limit: 1, order: 'newest-first' } as const;
    for (let end = journal.head.size; end > 0; end -= SEARCHED) {
      const [entry] = await journal.read({ ...query, after: end - SEARCHED, before: end + 1 });
      const spiffeId = entry === undefined ? undefined : fieldsOf(entry)['spiffe_id'];
      if (typeof spiffeId === 'string') return spiffeId;
      await turn();
    }
    return undefined;
  }

  /** The newest so many entries about an identity, oldest first, with the rules that hit what it had; tokens are left out. */
  async history(spiffeId: string, limit: number): Promise<readonly JournalEntry[]> {
    const newest = await this.#newestOf(spiffeId, limit);
    const rules = await this.#rulesThatHit(newest, limit);
    return inOrder([...newest, ...rules]).slice(-limit);
  }

  async #newestOf(spiffeId: string, limit: number): Promise<readonly JournalEntry[]> {
    const found: JournalEntry[] = [];
    const { journal } = this.#parts;
    const query = { spiffeId, limit: SEARCHED, order: 'newest-first' } as const;
    for (let end = journal.head.size; end > 0 && found.length < limit; end -= SEARCHED) {
      const entries = await journal.read({ ...query, after: end - SEARCHED, before: end + 1 });
      found.push(...entries.filter(({ kind }) => !TOKENS.has(kind)));
      await turn();
    }
    return found.slice(0, limit);
  }

  /** The latest checkpoint; a new one where there is none, or not of enough entries, or when it is asked for. */
  async checkpoint(wanted: { readonly fresh?: boolean; readonly size?: number } = {}): Promise<SignedCheckpoint> {
    const { checkpoints } = this.#parts;
    const { latest } = checkpoints;
    if (latest === undefined || wanted.fresh === true || latest.size < (wanted.size ?? 0)) return checkpoints.sign();
    // What stands in the database beside the signed text proves nothing.
    const opened = openCheckpoint(latest.note, checkpoints.key);
    return opened.ok && opened.value.size === latest.size ? latest : checkpoints.sign();
  }

  /** Hex hashes that a checkpoint's tree begins with that of the first `since` entries. */
  async consistency(since: number, { size }: SignedCheckpoint): Promise<readonly string[]> {
    if (since === 0 || since >= size) return [];
    return (await this.#parts.journal.consistency(since, size)).hashes;
  }

  /** Throws `RampartError` NOT_FOUND for an entry that is not there. */
  async prove(
    sequences: readonly number[],
  ): Promise<{ readonly checkpoint: SignedCheckpoint; readonly entries: readonly ProvenEntry[] }> {
    const { journal } = this.#parts;
    const found: JournalEntry[] = [];
    for (const sequence of sequences) {
      const around = { after: sequence - 1, before: sequence + 1 };
      const [entry] = await journal.read({ ...around, withExpired: true, limit: 1, order: 'oldest-first' });
      if (entry === undefined) throw new RampartError('NOT_FOUND', `entry ${sequence} is missing in the journal`);
      found.push(entry);
      if (found.length % PROVEN_AT_ONCE === 0) await turn();
    }
    const checkpoint = await this.checkpoint({ size: Math.max(0, ...sequences) });
    const proofs = await journal.inclusions(sequences, checkpoint.size);
    const entries = found.flatMap((entry, index) => {
      const proof = proofs[index];
      return proof === undefined ? [] : [{ entry, proof }];
    });
    return { checkpoint, entries };
  }

  /**
   * Entries after `after` up to and with `upTo`, in pages, oldest first; those that have expired without a body; or audit
   * entries of one kind that have not. Ends early where entries are missing at the end.
   */
  async *pages(after: number, upTo: number, auditKind = ''): AsyncGenerator<readonly JournalEntry[]> {
    const { journal } = this.#parts;
    const wanted =
      auditKind === '' ? ({ withExpired: true } as const) : ({ stream: 'audit', kind: auditKind } as const);
    const end = upTo === 0 ? journal.head.size : Math.min(upTo, journal.head.size);
    for (let last = after; last < end;) {
      const page = await journal.read({
        ...wanted,
        after: last,
        before: end + 1,
        limit: PAGE,
        order: 'oldest-first',
      });
      if (page.length === 0) return;
      yield page;
      last = page.at(-1)?.sequence ?? end;
    }
  }
}

function fieldsOf({ body }: JournalEntry): EntryFields {
  return JSON.parse(body) as EntryFields;
}

function isIssuance(fields: EntryFields): boolean {
  return fields['event_type'] === 'CERTIFICATE_ISSUED';
}

/** Each once. */
function inOrder(entries: readonly JournalEntry[]): readonly JournalEntry[] {
  const bySequence = new Map(entries.map((entry) => [entry.sequence, entry]));
  return [...bySequence.values()].sort((one, other) => one.sequence - other.sequence);
}
