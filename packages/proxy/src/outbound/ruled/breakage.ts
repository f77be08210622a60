import { RampartError } from '@rampart/core';
import type { Breakage } from '@rampart/mesh';

/** Reasons of systems why there is no connection at all: nothing can have been sent. */
const UNCONNECTED: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** What a failed try says of its instance. In doubt something was sent, so that nothing is done twice. */
export function breakageOf(error: Error, wasUsed: boolean): Breakage {
  const code: unknown = 'code' in error ? error.code : undefined;
  const isUnconnected = !wasUsed && (error instanceof RampartError || UNCONNECTED.has(code));
  return { end: isUnconnected ? 'connect-failure' : 'reset', wasSent: !isUnconnected, reason: error.message };
}
