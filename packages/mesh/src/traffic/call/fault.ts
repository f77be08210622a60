import type { Random } from '@rampart/core';

import type { FaultSettings } from '../settings/resilience.ts';

/** What is done to one request on purpose. */
export interface Fault {
  /** 0: nothing is waited for. */
  readonly delayMs: number;
  readonly abort: FaultSettings['abort'];
}

/** Throws the dice for one request; undefined where nothing is done to it. */
export function drawFault({ delay, abort }: FaultSettings, random: Random): Fault | undefined {
  const delayMs = delay !== undefined && random() < delay.share ? delay.milliseconds : 0;
  const isAborted = abort !== undefined && random() < abort.share;
  return delayMs === 0 && !isAborted ? undefined : { delayMs, abort: isAborted ? abort : undefined };
}
