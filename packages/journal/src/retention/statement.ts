import { fail, ok } from '@rampart/core';
import type { Result } from '@rampart/core';
import { canonicalJson, type JsonValue } from '../canonical-json.ts';
import { openNote } from '../checkpoints/signed-note.ts';
import type { VerifierKey } from '../checkpoints/verifier-key.ts';
import type { JournalEntry } from '../store.ts';

/** The kind of the audit record that says which records expired. */
export const EXPIRY_KIND = 'RECORDS_EXPIRED';

/** First and last of sequences without a gap. */
export type SequenceRange = readonly [first: number, last: number];

/** Records of one type that expired. */
export interface ExpiredType {
  readonly event_type: string;
  /** How long they are kept. */
  readonly days: number;
  /** Sequence of an entry after all of them that never expires, and was older than that itself: so they were, too. */
  readonly before: number;
  /** In order, apart from each other. */
  readonly sequences: readonly SequenceRange[];
}

/** What expired in one step. */
export interface ExpiryStatement {
  readonly expired: readonly ExpiredType[];
  /** Hex SHA-256 of the leaf hashes of all of them, in the order of their sequences. */
  readonly leaves: string;
}

/** The first line. No checkpoint and no manifest begins like that, so that no signature can pass for another. */
const TITLE = 'rampart records expired v1';
const DIGEST = /^[0-9a-f]{64}$/;

/** What is signed: title, name of the journal, statement, a line each. */
export function expiryText({ expired, leaves }: ExpiryStatement, origin: string): string {
  return `${TITLE}\n${origin}\n${canonicalJson({ expired: expired.map((type) => ({ ...type })), leaves })}\n`;
}

/** The signature of a note of which everybody has the text. */
export function signatureIn(note: string): string {
  return note.trimEnd().split(' ').at(-1) ?? '';
}

/** What an entry says that expired, when this key signed it; the problem goes on from "entry 12 (RECORDS_EXPIRED)". */
export function readExpiry(
  { sequence, body }: Pick<JournalEntry, 'sequence' | 'body'>,
  key: VerifierKey,
): Result<ExpiryStatement & { readonly at: number }, string> {
  const record = parsed(body);
  const { timestamp, details } = record;
  const { expired, leaves, signature } = isObject(details) ? details : {};
  const at = typeof timestamp === 'string' ? Date.parse(timestamp) : Number.NaN;
  const isSound =
    record['sequence'] === sequence && record['event_type'] === EXPIRY_KIND && !Number.isNaN(at) && isDigest(leaves);
  if (!isSound || typeof signature !== 'string' || !isExpiredTypes(expired)) {
    return fail('does not say what expired');
  }
  const statement = { expired, leaves };
  const signed = openNote(`${expiryText(statement, key.name)}\n— ${key.name} ${signature}\n`, key);
  return signed.ok ? ok({ ...statement, at }) : fail(`is no word of this control plane: ${signed.problem}`);
}

function parsed(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function isDigest(value: unknown): value is string {
  return typeof value === 'string' && DIGEST.test(value);
}

function isExpiredTypes(value: unknown): value is ExpiredType[] {
  return Array.isArray(value) && value.length > 0 && value.every(isExpiredType);
}

function isExpiredType(value: unknown): value is ExpiredType {
  if (!isObject(value)) return false;
  const { event_type: type, days, before, sequences, ...more } = value;
  if (typeof type !== 'string' || !isCount(days) || !isCount(before) || Object.keys(more).length > 0) return false;
  if (!Array.isArray(sequences) || sequences.length === 0) return false;
  let end = 0;
  return (sequences as readonly unknown[]).every((range) => {
    if (!Array.isArray(range) || range.length !== 2) return false;
    const [first, last] = range as readonly unknown[];
    const follows = isCount(first) && isCount(last) && first > end && last >= first;
    if (follows) end = last;
    return follows;
  });
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

function isObject(value: unknown): value is Readonly<Record<string, JsonValue>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
