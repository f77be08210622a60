import { fail, ok, type Result } from '@rampart/core';
import { isObject, isTexts, parseJson } from './json-file.ts';

const FORMAT = 'rampart.dev/consistency-proof/v1';

/** What proves that one checkpoint's journal goes on from that of another, kept before; nothing else is needed to check it. */
export interface ContinuationProof {
  /** Entries of the checkpoint that was kept. */
  readonly first: number;
  /** Signed note of the later one. */
  readonly checkpoint: string;
  /** Hex (RFC 9162 §2.1.4). */
  readonly hashes: readonly string[];
}

export function printContinuation({ first, checkpoint, hashes }: ContinuationProof): string {
  return `${JSON.stringify({ format: FORMAT, first, checkpoint, hashes }, undefined, 2)}\n`;
}

/** Reads a proof; the problem says which member is wrong. */
export function parseContinuation(text: string): Result<ContinuationProof, string> {
  const value = parseJson(text);
  if (!isObject(value) || value['format'] !== FORMAT) return fail(`it is no proof: format is not ${FORMAT}`);
  const { first, checkpoint, hashes } = value;
  if (typeof first !== 'number' || !Number.isSafeInteger(first)) return fail('first is no number of entries');
  if (typeof checkpoint !== 'string') return fail('checkpoint is no text');
  return isTexts(hashes) ? ok({ first, checkpoint, hashes }) : fail('hashes is no list of texts');
}
