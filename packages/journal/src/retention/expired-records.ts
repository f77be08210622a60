import { createHash, type Hash } from 'node:crypto';
import { LEAST_RETENTION_DAYS, RETENTION_DAYS } from '@rampart/core';
import type { VerifierKey } from '../checkpoints/verifier-key.ts';
import type { JournalEntry } from '../store.ts';
import { timeIn } from './entry-time.ts';
import { EXPIRY_KIND, type ExpiredType, readExpiry, type SequenceRange } from './statement.ts';

const DAY_MS = 86_400_000;

/** What is seen of an entry. */
export type SeenEntry = Omit<JournalEntry, 'at' | 'stream'> & { readonly stream: string };

/** What one record lets expire. */
interface Expiry {
  readonly sequence: number;
  readonly leafHash: string;
  readonly at: number;
  readonly expired: readonly ExpiredType[];
  readonly leaves: string;
  readonly seen: Hash;
  isSeen: boolean;
}

interface NamedRange {
  readonly range: SequenceRange;
  readonly type: ExpiredType;
  readonly expiry: Expiry;
}

/**
 * Which bodies may be missing in a journal: those that a `RECORDS_EXPIRED` record names, which is signed, in the journal, of types that
 * expire, and no younger than what it says. It is told of all such records first, then shows itself every entry in order.
 */
export class ExpiredRecords {
  readonly #problems: string[] = [];
  readonly #expiries = new Map<number, Expiry>();
  /** In order. */
  readonly #named: NamedRange[];
  /** Times of the entries that the expired ones are before. */
  readonly #times = new Map<number, number | undefined>();
  #next = 0;
  #missing = 0;

  /** @param records All entries of the kind `RECORDS_EXPIRED`; they do not count without a key. */
  constructor(records: readonly Pick<SeenEntry, 'sequence' | 'body' | 'leafHash'>[], key?: VerifierKey) {
    if (key !== undefined) for (const entry of records) this.#admit(entry, key);
    this.#named = [...this.#expiries.values()]
      .flatMap((expiry) =>
        expiry.expired.flatMap((type) => type.sequences.map((range): NamedRange => ({ range, type, expiry }))),
      )
      .toSorted((a, b) => a.range[0] - b.range[0]);
    this.#findOverlaps();
  }

  /** Entries that had no body so far. */
  get missing(): number {
    return this.#missing;
  }

  /** Takes the next entry; what is wrong with it where it has no body, and no record lets it be so. */
  see({ sequence, stream, kind, body, leafHash }: SeenEntry): string | undefined {
    if (this.#times.has(sequence)) this.#times.set(sequence, timeIn(body));
    const own = this.#expiries.get(sequence);
    if (own !== undefined) own.isSeen = own.leafHash === leafHash && body !== '';
    const named = this.#namedAt(sequence);
    named?.expiry.seen.update(leafHash, 'hex');
    if (body !== '') return undefined;
    this.#missing += 1;
    if (named === undefined) return `entry ${sequence} (${kind}) has lost its body, and no record says that it expired`;
    const { type, expiry } = named;
    if (stream === 'audit' && kind === type.event_type) return undefined;
    return `entry ${sequence} (${kind}) has lost its body: entry ${expiry.sequence} lets it expire as ${type.event_type}`;
  }

  /** Everything else that is wrong, once every entry was seen. */
  end(): readonly string[] {
    return [...this.#problems, ...[...this.#expiries.values()].flatMap((expiry) => this.#judge(expiry))];
  }

  #admit(entry: Pick<SeenEntry, 'sequence' | 'body' | 'leafHash'>, key: VerifierKey): void {
    const { sequence, leafHash } = entry;
    const read = readExpiry(entry, key);
    if (!read.ok) {
      this.#problems.push(`entry ${sequence} (${EXPIRY_KIND}) ${read.problem}`);
      return;
    }
    this.#expiries.set(sequence, { ...read.value, sequence, leafHash, seen: createHash('sha256'), isSeen: false });
    for (const { before } of read.value.expired) this.#times.set(before, undefined);
  }

  #findOverlaps(): void {
    this.#named.reduce<NamedRange | undefined>((last, next) => {
      if (last !== undefined && next.range[0] <= last.range[1]) {
        this.#problems.push(
          `entry ${next.range[0]} is said to have expired twice: by ${last.expiry.sequence} and ${next.expiry.sequence}`,
        );
      }
      return next;
    }, undefined);
  }

  #namedAt(sequence: number): NamedRange | undefined {
    while ((this.#named[this.#next]?.range[1] ?? Infinity) < sequence) this.#next += 1;
    const named = this.#named[this.#next];
    return named !== undefined && named.range[0] <= sequence ? named : undefined;
  }

  #judge(expiry: Expiry): string[] {
    const { sequence, seen, leaves, isSeen, expired } = expiry;
    const name = `entry ${sequence} (${EXPIRY_KIND})`;
    if (!isSeen) return [`${name} is not in the journal as it was read`];
    const problems = expired.flatMap((type) => {
      const problem = this.#typeProblem(type, expiry);
      return problem === undefined ? [] : [`${name} ${problem}`];
    });
    if (seen.digest('hex') !== leaves) problems.push(`${name} is about other records than those that are there`);
    return problems;
  }

  #typeProblem(
    { event_type: type, days, before, sequences }: ExpiredType,
    { sequence, at }: Expiry,
  ): string | undefined {
    if (!RETENTION_DAYS.has(type)) return `lets records of ${type} expire, which never do`;
    if (days < LEAST_RETENTION_DAYS) {
      return `lets records of ${type} expire after ${days} days: none does before ${LEAST_RETENTION_DAYS}`;
    }
    const last = sequences.at(-1)?.[1] ?? 0;
    const time = this.#times.get(before);
    if (before <= last || before >= sequence || time === undefined || at - time < days * DAY_MS) {
      return `lets records of ${type} expire that are not shown to be ${days} days old`;
    }
    return undefined;
  }
}
