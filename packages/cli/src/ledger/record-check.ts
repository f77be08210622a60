import { type EntryFields, revocationOf, REVOKING } from '@rampart/journal';
import type { Certificate, RecordedEntry } from '@rampart/wire';
import { recordProblems } from './certificate-proof.ts';
import { entryFields, textField } from './entry-fields.ts';

/** Records of leaves are kept for a day after their end. */
const KEPT_MS = 23 * 3_600_000;
const ISSUED = 'CERTIFICATE_ISSUED';

/** What of a certificate the database should say as the ledger does. */
interface Issued {
  readonly fields: EntryFields;
  isOnRecord: boolean;
}

/** Holds the certificates on record against the whole ledger: what is on record must be there, and what is there on record. */
export class RecordCheck {
  readonly #now: number;
  readonly #issued = new Map<string, Issued>();
  readonly #bySerial = new Map<string, EntryFields[]>();
  readonly #byIdentity = new Map<string, EntryFields[]>();
  readonly #failed: EntryFields[] = [];

  /** `now` is the time of the control plane, Unix milliseconds. */
  constructor(now: number) {
    this.#now = now;
  }

  /** Takes an entry of the journal. */
  add({ stream, kind, body }: RecordedEntry): void {
    if (stream !== 'ledger') return;
    if (kind === ISSUED) this.#addIssued(entryFields(body));
    else if (REVOKING.includes(kind)) this.#addRevocation(entryFields(body));
    else if (kind === 'REVOCATION_FAILED') this.#failed.push(entryFields(body));
  }

  /** Every field in which a record differs from the ledger, and what it hides. */
  problemsOf(record: Certificate): string[] {
    const { serial } = record;
    const issued = this.#issued.get(serial);
    if (issued === undefined) {
      // Only those that ended long ago were passed over.
      if (Number(record.notAfter) < this.#now - KEPT_MS) return [];
      return [`certificate ${serial} is on record, and the ledger does not know of it`];
    }
    issued.isOnRecord = true;
    return recordProblems(record, issued.fields, this.#revocationOf(issued.fields));
  }

  /** Serials of the ledger that should be on record and were not among those that were asked for. */
  missing(): string[] {
    return [...this.#issued].flatMap(([serial, { isOnRecord }]) => (isOnRecord ? [] : [serial]));
  }

  goneText(serial: string): string {
    const holder = textField(this.#issued.get(serial)?.fields ?? {}, 'spiffe_id');
    return `certificate ${serial} was issued to ${holder}, and its record is gone`;
  }

  #addIssued(fields: EntryFields): void {
    const isOver = Number(fields['not_after']) < this.#now - KEPT_MS;
    const isLeaf = fields['kind'] !== 'root' && fields['kind'] !== 'intermediate';
    if (isOver && isLeaf) return;
    this.#issued.set(textField(fields, 'serial'), { fields, isOnRecord: false });
  }

  #addRevocation(fields: EntryFields): void {
    const { serial, serials, spiffe_id: spiffeId } = fields;
    const named: readonly unknown[] = Array.isArray(serials) ? serials : [serial];
    for (const each of named) {
      if (typeof each === 'string') this.#bySerial.set(each, [...(this.#bySerial.get(each) ?? []), fields]);
    }
    if (typeof fields['issued_until'] !== 'number') return;
    const subject = typeof spiffeId === 'string' ? spiffeId : '';
    this.#byIdentity.set(subject, [...(this.#byIdentity.get(subject) ?? []), fields]);
  }

  #revocationOf(issued: EntryFields): EntryFields | undefined {
    const own = this.#bySerial.get(textField(issued, 'serial')) ?? [];
    const rules = [textField(issued, 'spiffe_id'), ''].flatMap((subject) => this.#byIdentity.get(subject) ?? []);
    return revocationOf([...own, ...rules, ...this.#failed], issued);
  }
}
