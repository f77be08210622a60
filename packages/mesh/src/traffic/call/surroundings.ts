import type { Clock, CompiledDestination, Random } from '@rampart/core';

import type { Destination } from '../group/service-state.ts';
import type { Deadlines } from './deadlines.ts';

/** Why requests cannot go where a route says. */
export interface NoDestination {
  readonly status: number;
  /** Envoy's response flag. */
  readonly flag: string;
  readonly reason: string;
  /** "namespace/name" of the policy that keeps this workload from it. */
  readonly policy?: string;
}

/** What calls need from the world around them. */
export interface CallSurroundings {
  readonly clock: Clock;
  /** For the time that rules give requests and their tries. */
  readonly deadlines: Deadlines;
  readonly random: Random;
  /** Milliseconds of a clock that only goes forward. */
  now(): number;
  /** What stands for this workload where requests are shared by their caller. */
  readonly caller: string;
  /** Where a destination of a route leads; the service that was called itself unless given. */
  resolve(to: CompiledDestination | undefined): Destination | NoDestination;
}
