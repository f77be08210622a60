import { RampartError } from '@rampart/core';
import type { Verdict } from '@rampart/core';

import type { Ending } from '../record/ending.ts';
import { ResponseFlag } from '../record/flags.ts';

/** Why a connection must not be opened. */
export interface EgressRefusal extends Verdict {
  /** A policy's denial where absent. */
  readonly flag?: ResponseFlag;
}

/** A connection that NetworkPolicies, or rules about hosts outside the mesh, keep this workload from opening. Applications know what to do: it looks refused. */
export class EgressDenied extends RampartError {
  readonly errno: number = -111;
  readonly syscall: string = 'connect';
  /** How the request or connection ended, as its record tells it. */
  readonly ending: Ending;

  /** `destination` as the application named it. */
  constructor(destination: string, { policy, reason, flag = ResponseFlag.denied }: EgressRefusal) {
    super('EGRESS_DENIED', `cannot connect to ${destination}: ${reason}`);
    this.ending = { flag, reason, policy };
  }
}
