import type { Duplex } from 'node:stream';

import type { Clock, Random } from '@rampart/core';

import type { LinkLimits } from './limits.ts';
import type { LinkError, Refusal } from './link-error.ts';
import type { LinkStream, StreamRequest } from './link-stream.ts';

/** A connection that is to be a link, and who is told what becomes of it. */
export interface LinkOptions {
  /** Connected, authenticated, and with `rampart-link/1` agreed on: all of that is the caller's. The session owns it from now on. */
  readonly transport: Duplex;
  /** Which side opened the connection. */
  readonly role: 'dialer' | 'listener';
  readonly clock: Clock;
  /** Spreads keep-alives of links that were dialed together. */
  readonly random: Random;
  /**
   * The other side opens a stream. A refusal is told to it; else the stream is taken, and brings nothing before it has a
   * receiver. Without this, none is taken.
   */
  accept?(stream: LinkStream, request: StreamRequest): Refusal | undefined;
  /** The other side has said how many streams it takes. Called once, unless the session is over before. */
  greeted?(): void;
  /** No stream can be opened any more; those that are open go on. Called once. */
  draining?(): void;
  /** The other side broke the rules or the limits, or is not heard any more: called once at most, before `closed`. */
  broken?(error: LinkError): void;
  /** The session is over: called once, and last. `error` is there when it did not end in order. */
  closed?(error: LinkError | undefined): void;
  readonly limits?: Partial<LinkLimits>;
}
