import type { Client } from '@connectrpc/connect';
import { EXPIRY_KIND, type VerifierKey } from '@rampart/journal';
import type { LedgerService, RecordedEntry } from '@rampart/wire';
import { JournalCheck } from './journal-check.ts';

type LedgerClient = Client<typeof LedgerService>;

/** A journal of millions of entries takes minutes to come over the line. */
const LONGEST_READ_MS = 3_600_000;

export interface JournalReading {
  /** Up to and with this entry; 0 for all. */
  readonly upTo: number;
  /** Sizes whose roots are wanted. */
  readonly sizes: readonly number[];
  readonly key: VerifierKey;
  /** Shown every entry. */
  each?(entry: RecordedEntry): void;
}

/** Reads the journal of a control plane and recomputes it; the caller ends the check. */
export async function readJournal(
  client: LedgerClient,
  { upTo, sizes, key, each }: JournalReading,
): Promise<JournalCheck> {
  const expiries: RecordedEntry[] = [];
  const records = client.readJournal({ upTo: BigInt(upTo), auditKind: EXPIRY_KIND }, { timeoutMs: LONGEST_READ_MS });
  for await (const { entries } of records) expiries.push(...entries);
  const check = new JournalCheck({ sizes, expiries, key });
  for await (const { entries } of client.readJournal({ upTo: BigInt(upTo) }, { timeoutMs: LONGEST_READ_MS })) {
    for (const entry of entries) {
      check.add(entry);
      each?.(entry);
    }
  }
  return check;
}

/** Whether records expired by an entry after this one: who read without it saw bodies missing without a word. */
export async function expiredSince(client: LedgerClient, size: number): Promise<boolean> {
  // To its end: a stream that is left in the middle keeps the line open.
  let found = false;
  for await (const { entries } of client.readJournal({ after: BigInt(size), auditKind: EXPIRY_KIND })) {
    found ||= entries.length > 0;
  }
  return found;
}
