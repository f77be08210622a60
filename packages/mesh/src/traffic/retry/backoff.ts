import type { Random } from '@rampart/core';

const DEFAULT_BASE_MS = 25;
const MOST_TIMES = 10;

/** Milliseconds before the nth retry (1 for the first): anything up to a limit that doubles (Envoy's jittered back-off). */
export function retryPause(retry: number, base: number = DEFAULT_BASE_MS, random: Random): number {
  return random() * base * Math.min(MOST_TIMES, 2 ** retry - 1);
}
