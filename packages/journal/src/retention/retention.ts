import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { RETENTION_DAYS } from '@rampart/core';
import type { Clock } from '@rampart/core';
import type { Checkpoints } from '../checkpoints/checkpoints.ts';
import type { CheckpointStore } from '../checkpoints/store.ts';
import type { Journal } from '../journal.ts';
import { leafHash } from '../merkle-tree.ts';
import type { JournalEntry, JournalStore } from '../store.ts';
import { timeIn } from './entry-time.ts';
import { settledFor, type Moment } from './record-time.ts';
import { EXPIRY_KIND, expiryText, type ExpiredType, type SequenceRange, signatureIn } from './statement.ts';

export interface RetentionOptions {
  readonly journal: Pick<Journal, 'read' | 'audit'>;
  readonly store: Pick<JournalStore, 'expiry'>;
  readonly checkpoints: Pick<Checkpoints, 'sign' | 'attest' | 'key'>;
  readonly moments: Pick<CheckpointStore, 'moments'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Days after which records of each type expire. */
  readonly days: () => ReadonlyMap<string, number>;
}

const DAY_MS = 86_400_000;
/** Records that expire in one step: a few milliseconds. */
const A_SLICE = 250;
/** Entries that are for good, and that there are enough of: what is before one of them is older than it. */
const LASTING = [
  { stream: 'ledger', kind: 'CERTIFICATE_ISSUED' },
  { stream: 'audit', kind: EXPIRY_KIND },
] as const;
/** How much older than it must be it is, so that a clock that is set back meanwhile makes nobody doubt it. */
const MARGIN_MS = 3_600_000;
/** Lasting entries that are looked at before it is given up to find one that is old enough. */
const MOST_LOOKED_AT = 100;

interface Due {
  readonly eventType: string;
  readonly days: number;
  readonly before: number;
  readonly entries: readonly JournalEntry[];
}

/**
 * Lets records expire: their bodies are taken away in the step in which a `RECORDS_EXPIRED` record becomes durable that names each of
 * them and is signed by the key of the checkpoints. A record expires when it says itself that it is old enough, when the record
 * as a whole has gone on for so long since, and when an entry after it that is for good is old enough, which others can verify.
 */
export class Retention {
  readonly #options: RetentionOptions;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /**
   * Lets everything expire that is due, in slices; the number of records. Nothing of a journal that is not what was signed: throws
   * JOURNAL_INCONSISTENT, and what the journal throws.
   */
  async sweep(signal?: AbortSignal): Promise<number> {
    const { checkpoints, moments, clock, days } = this.#options;
    await checkpoints.sign();
    const known = await moments.moments();
    let expired = 0;
    for (;;) {
      const slice = await this.#slice(known, clock.now(), days());
      if (slice.length === 0) return expired;
      expired += await this.#expire(slice);
      if (signal?.aborted === true) return expired;
      await turn();
    }
  }

  async #slice(moments: readonly Moment[], now: number, days: ReadonlyMap<string, number>): Promise<readonly Due[]> {
    const slice: Due[] = [];
    let room = A_SLICE;
    const lasting = new Map<number, number>();
    for (const [eventType, kept] of days) {
      if (room === 0) break;
      if (!RETENTION_DAYS.has(eventType)) continue;
      const before = lasting.get(kept) ?? (await this.#lastingBefore(moments, now, kept * DAY_MS));
      lasting.set(kept, before);
      const entries = await this.#due(eventType, { before, until: now - kept * DAY_MS, limit: room });
      room -= entries.length;
      if (entries.length > 0) slice.push({ eventType, days: kept, before, entries });
    }
    return slice;
  }

  /** The last entry that is for good and old enough, by the record's time and its own; 0 where there is none. */
  async #lastingBefore(moments: readonly Moment[], now: number, ageMs: number): Promise<number> {
    const settled = settledFor(moments, ageMs, now);
    const found = await Promise.all(
      LASTING.map(({ stream, kind }) =>
        this.#options.journal.read({
          stream,
          kind,
          before: settled + 1,
          limit: MOST_LOOKED_AT,
          order: 'newest-first',
        }),
      ),
    );
    return Math.max(
      0,
      ...found.flatMap((entries) => entries.find((entry) => isFrom(entry, now - ageMs - MARGIN_MS))?.sequence ?? []),
    );
  }

  async #due(
    kind: string,
    { before, until, limit }: { readonly before: number; readonly until: number; readonly limit: number },
  ): Promise<readonly JournalEntry[]> {
    const due: JournalEntry[] = [];
    for (let after = 0; due.length < limit && after < before - 1;) {
      const page = await this.#options.journal.read({
        stream: 'audit',
        kind,
        after,
        before,
        limit: limit - due.length,
        order: 'oldest-first',
      });
      // One whose time lies ahead is of a clock that was wrong: it waits until then. One that was changed stays, to be found.
      due.push(...page.filter((entry) => isFrom(entry, until)));
      if (page.length === 0) break;
      after = page.at(-1)?.sequence ?? before;
    }
    return due;
  }

  async #expire(slice: readonly Due[]): Promise<number> {
    const { journal, store, checkpoints } = this.#options;
    const expired = slice.map(({ eventType, days, before, entries }): ExpiredType => ({
      event_type: eventType,
      days,
      before,
      sequences: rangesOf(entries),
    }));
    const entries = slice.flatMap((due) => due.entries).toSorted((a, b) => a.sequence - b.sequence);
    const leaves = createHash('sha256');
    for (const { leafHash } of entries) leaves.update(leafHash, 'hex');
    const statement = { expired, leaves: leaves.digest('hex') };
    const note = await checkpoints.attest(expiryText(statement, checkpoints.key.name));
    const details = {
      count: entries.length,
      expired: expired.map((type) => ({ ...type })),
      leaves: statement.leaves,
      signature: signatureIn(note),
    };
    const companion = store.expiry(entries.map(({ sequence }) => sequence));
    await journal.audit(
      { eventType: 'RECORDS_EXPIRED', identity: 'journal', result: 'SUCCESS', details },
      () => companion,
    );
    return entries.length;
  }
}

/** Whether an entry is as old as that, by what its hash covers. */
function isFrom({ body, leafHash: hash }: JournalEntry, until: number): boolean {
  const time = timeIn(body);
  return time !== undefined && time <= until && leafHash(body) === hash;
}

function rangesOf(entries: readonly JournalEntry[]): readonly SequenceRange[] {
  const ranges: [first: number, last: number][] = [];
  for (const { sequence } of entries) {
    const range = ranges.at(-1);
    if (range?.[1] === sequence - 1) range[1] = sequence;
    else ranges.push([sequence, sequence]);
  }
  return ranges;
}
