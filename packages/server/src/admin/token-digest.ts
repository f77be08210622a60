import { hash } from 'node:crypto';
import { BoundedCache } from '@rampart/core';

const MOST_REMEMBERED = 1024;

/** Of tokens that were valid when they were shown: whoever has one shows it with each call, and hashing it is half of judging it. */
const remembered = new BoundedCache<string, Buffer>(MOST_REMEMBERED);

/** SHA-256 of a token. Takes the same time for every token that was never valid. */
export function digestOf(token: string): Buffer {
  return remembered.get(token) ?? hash('sha256', token, 'buffer');
}

/** Makes the next `digestOf` of a valid token cheap. Says nothing of whether it is valid then. */
export function rememberDigest(token: string, digest: Buffer): void {
  remembered.set(token, digest);
}
