import { RampartError } from '@rampart/core';
import type { ErrorCode } from '@rampart/core';

import type { Breakage } from './driver.ts';

/** Reasons of systems why there is no connection at all. */
const UNCONNECTED: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** The mesh's own. Those that can end a connection later, such as a policy that has changed, are not among them. */
const REFUSED: ReadonlySet<ErrorCode> = new Set([
  'IDENTITY_NOT_READY',
  'INVALID_CERTIFICATE',
  'UPSTREAM_IDENTITY_MISMATCH',
  'NO_HEALTHY_INSTANCE',
  'UPSTREAM_UNREACHABLE',
]);

/**
 * What a failed try says of its instance. In doubt something was sent, so that nothing is done twice. `wasUsed`: its connection
 * had carried requests before.
 */
export function breakageOf(error: unknown, wasUsed: boolean): Breakage {
  const reason = error instanceof Error ? error.message : String(error);
  const isUnconnected = !wasUsed && nothingWasSent(error);
  return { end: isUnconnected ? 'connect-failure' : 'reset', wasSent: !isUnconnected, reason };
}

function nothingWasSent(error: unknown): boolean {
  if (error instanceof RampartError) return REFUSED.has(error.code);
  return typeof error === 'object' && error !== null && 'code' in error && UNCONNECTED.has(error.code);
}
