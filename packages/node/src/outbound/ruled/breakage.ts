import type { ClientRequest } from 'node:http';

import { RampartError } from '@rampart/core';
import type { Breakage } from '@rampart/mesh';

/** Reasons of systems why there is no connection at all: nothing can have been sent. */
const UNCONNECTED: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'ENOTFOUND',
]);
/** What a failed try says of its instance. In doubt something was sent, so that nothing is done twice. */
export function breakageOf(error: unknown, sent: ClientRequest | undefined): Breakage {
  const reason = error instanceof Error ? error.message : String(error);
  const code: unknown = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  const isUnconnected = sent?.reusedSocket !== true && (error instanceof RampartError || UNCONNECTED.has(code));
  return { end: isUnconnected ? 'connect-failure' : 'reset', wasSent: !isUnconnected, reason };
}
