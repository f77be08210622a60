import { createHash } from 'node:crypto';

import type { Fields } from './message.ts';
import { bytesOf, readDictionary, serializeDictionary } from './structured-fields.ts';

/** Algorithms of RFC 9530 §5 that are not broken, by their names in `node:crypto`. */
const DIGESTS: ReadonlyMap<string, string> = new Map([
  ['sha-256', 'sha256'],
  ['sha-512', 'sha512'],
]);

/** The value of a Content-Digest field (RFC 9530 §2) for this content. */
export function contentDigest(content: Uint8Array): string {
  return serializeDictionary(new Map([['sha-256', [createHash('sha256').update(content).digest(), new Map()]]]));
}

/** Whether Content-Digest is there and every digest in it that is known, of which there must be one, is of this content. */
export function isContentOf(fields: Fields, content: Uint8Array): boolean {
  const members = readDictionary(fields('content-digest').join(', '));
  let known = 0;
  for (const [name, [value]] of members ?? []) {
    const digest = DIGESTS.get(name);
    if (digest === undefined) continue;
    const claimed = bytesOf(value);
    if (claimed === undefined || !createHash(digest).update(content).digest().equals(claimed)) return false;
    known += 1;
  }
  return known > 0;
}
