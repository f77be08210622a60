import { randomBytes } from 'node:crypto';
import type { Random } from '@rampart/core';

const SIZE = 2 ** 32;

/** Randomness of this machine, for jitter. */
export function createSystemRandom(): Random {
  return () => randomBytes(4).readUInt32BE() / SIZE;
}
