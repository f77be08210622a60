import type { CompiledHeaders, Random } from '@rampart/core';

import { hashOf } from '../balance/hash.ts';
import type { HashSource } from '../settings/balancing.ts';

const SECOND_MS = 1000;
const RANGE = 2 ** 32;
const DIGITS = 16;

/** A cookie for a caller that has none, where the rule says how long it lives; a value that tells nothing of anybody. */
export function newCookie(
  { name, path, ttlMs }: Extract<HashSource, { of: 'cookie' }>,
  random: Random,
): { readonly hash: number; readonly header: CompiledHeaders } | undefined {
  if (ttlMs === undefined) return undefined;
  const value = [random(), random()]
    .map((part) =>
      Math.floor(part * RANGE)
        .toString(DIGITS)
        .padStart(8, '0'),
    )
    .join('');
  const age = ttlMs === 0 ? '' : `; Max-Age=${Math.ceil(ttlMs / SECOND_MS)}`;
  const where = path === undefined ? '' : `; Path=${path}`;
  const header = { remove: [], set: [], add: [['set-cookie', `${name}="${value}"${age}${where}; HttpOnly`] as const] };
  return { hash: hashOf(value), header };
}
