import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { RampartError } from '@rampart/core';
import { EXPIRY_KIND, type VerifierKey } from '@rampart/journal';
import type { RecordedEntry } from '@rampart/wire';
import { JournalCheck } from './journal-check.ts';
import { isObject, parseJson } from './json-file.ts';

const FORMAT = 'rampart.dev/journal/v1';

/** An entry as a line of a file holds it. */
export type FiledEntry = Pick<RecordedEntry, 'sequence' | 'stream' | 'kind' | 'body' | 'leafHash'>;

/** The first line: what the entries after it are held against, a signed note. */
export function printJournalHead(checkpoint: string): string {
  return `${JSON.stringify({ format: FORMAT, checkpoint })}\n`;
}

export function printEntry({ sequence, stream, kind, body, leafHash }: FiledEntry): string {
  return `${JSON.stringify({ sequence: Number(sequence), stream, kind, body, leaf_hash: leafHash })}\n`;
}

/** The signed note in the first line of a file; undefined where it is no exported journal. */
export function journalHeadIn(line: string): string | undefined {
  const head = parseJson(line);
  if (!isObject(head) || head['format'] !== FORMAT) return undefined;
  return typeof head['checkpoint'] === 'string' ? head['checkpoint'] : undefined;
}

export async function firstLineOf(file: string): Promise<string> {
  for await (const line of linesOf(file)) return line;
  return '';
}

/** Recomputes a journal from a file, which is read twice. Throws INVALID_ARGUMENT for a line that is no entry. */
export async function readJournalFile(
  file: string,
  { sizes, key }: { readonly sizes: readonly number[]; readonly key: VerifierKey },
): Promise<JournalCheck> {
  const expiries: FiledEntry[] = [];
  for await (const entry of entriesOf(file)) if (entry.kind === EXPIRY_KIND && entry.body !== '') expiries.push(entry);
  const check = new JournalCheck({ sizes, expiries, key });
  for await (const entry of entriesOf(file)) check.add(entry);
  return check;
}

async function* entriesOf(file: string): AsyncGenerator<FiledEntry> {
  let number = 0;
  for await (const line of linesOf(file)) {
    number += 1;
    if (number === 1) continue;
    const entry = entryIn(line);
    if (entry === undefined) throw new RampartError('INVALID_ARGUMENT', `${file}:${number}: this is no entry`);
    yield entry;
  }
}

function entryIn(line: string): FiledEntry | undefined {
  const value = parseJson(line);
  if (!isObject(value)) return undefined;
  const { sequence, stream, kind, body, leaf_hash: leafHash } = value;
  if (typeof sequence !== 'number' || !Number.isSafeInteger(sequence) || sequence < 1) return undefined;
  if (typeof stream !== 'string' || typeof kind !== 'string' || typeof body !== 'string') return undefined;
  if (typeof leafHash !== 'string' || !/^[0-9a-f]{64}$/.test(leafHash)) return undefined;
  return { sequence: BigInt(sequence), stream, kind, body, leafHash };
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const input = createReadStream(file, 'utf8');
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) yield line;
  } catch (cause) {
    throw new RampartError('INVALID_ARGUMENT', `cannot read ${file}; is it there, and yours to read?`, { cause });
  } finally {
    input.destroy();
  }
}
