import { RampartError } from '@rampart/core';

import type { Ending } from '../record/ending.ts';
import { ResponseFlag } from '../record/flags.ts';
import type { Route } from './outbound.ts';

/** A connection beyond those that a rule allows. Applications know what to do: it looks refused. */
export class ConnectionLimited extends RampartError {
  readonly errno: number = -111;
  readonly syscall: string = 'connect';
  /** As its record tells it. */
  readonly ending: Ending;

  /** `destination`: "orders-db.shop.svc". */
  constructor(destination: string) {
    const reason = 'as many connections as a rule allows are open';
    super('RATE_LIMITED', `cannot connect to ${destination}: ${reason}`);
    this.ending = { flag: ResponseFlag.overloaded, reason, policy: '' };
  }
}

/** The route of a connection without HTTP, which takes the room that rules leave for it until its target's `held` is closed. */
export function admitted(route: Route): Route {
  if (route.kind !== 'mesh' || route.target.held?.open() !== false) return route;
  const { service } = route.target;
  return { kind: 'failed', error: new ConnectionLimited(service.host), service };
}
