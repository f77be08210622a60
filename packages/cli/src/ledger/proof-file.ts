import { fail, ok, type Result } from '@rampart/core';
import { isObject, isTexts, parseJson } from './json-file.ts';
import type { CertificateProof, ProvenBody } from './certificate-proof.ts';

const FORMAT = 'rampart.dev/certificate-proof/v1';

/** A proof as it is handed to somebody else: JSON, with the entries as they were hashed. */
export function printProof({ serial, checkpoint, entries }: CertificateProof): string {
  return `${JSON.stringify({ format: FORMAT, serial, checkpoint, entries }, undefined, 2)}\n`;
}

/** Reads a proof; the problem says which member is wrong. */
export function parseProof(text: string): Result<CertificateProof, string> {
  const value = parseJson(text);
  if (!isObject(value) || value['format'] !== FORMAT) return fail(`it is no proof: format is not ${FORMAT}`);
  const { serial, checkpoint, entries } = value;
  if (typeof serial !== 'string' || !/^[0-9a-f]{1,40}$/.test(serial)) return fail('serial is no serial in hexadecimal');
  if (typeof checkpoint !== 'string') return fail('checkpoint is no text');
  if (!Array.isArray(entries)) return fail('entries is no list');
  const read: unknown[] = entries;
  const bodies = read.map(provenBody).filter((entry) => entry !== undefined);
  if (bodies.length < read.length) return fail('entries: each has sequence, body and path');
  return ok({ serial, checkpoint, entries: bodies });
}

function provenBody(value: unknown): ProvenBody | undefined {
  if (!isObject(value)) return undefined;
  const { sequence, body, path } = value;
  if (typeof sequence !== 'number' || !Number.isSafeInteger(sequence) || typeof body !== 'string') return undefined;
  return isTexts(path) ? { sequence, body, path } : undefined;
}
