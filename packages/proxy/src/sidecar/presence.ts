import { connect } from 'node:net';

import type { Clock } from '@rampart/core';
import type { MeshLog } from '@rampart/mesh';

export interface PresenceOptions {
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  readonly log: MeshLog;
  /** It takes connections: callers may come. */
  arrived(): void;
  /** It takes none any more. */
  left(): void;
}

const LOOK_AGAIN_MS = 100;
/** Longer than most applications take to start. */
const PATIENCE_MS = 10_000;

/**
 * Whether the application behind a sidecar takes connections. Until it does, and from when it does not any more, nobody is sent
 * there: an application may start after its sidecar, crash and be started again.
 */
export class Presence {
  readonly #options: PresenceOptions;
  #state: 'awaited' | 'there' | 'left' | 'stopped' = 'left';
  #since = 0;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  get isThere(): boolean {
    return this.#state === 'there';
  }

  /** Looks until it is there. */
  start(): void {
    if (this.#state !== 'left') return;
    this.#state = 'awaited';
    this.#since = this.#options.clock.now();
    this.#look(true);
  }

  /** A connection to it was refused. */
  refused(): void {
    if (this.#state !== 'there') return;
    const { host, port, log, left } = this.#options;
    log.warn('the application takes no connections any more; out of the registry until it does', { host, port });
    this.#state = 'left';
    left();
    this.start();
  }

  /** Nothing is looked for any more. */
  stop(): void {
    this.#state = 'stopped';
  }

  #look(isPatient: boolean): void {
    const { host, port, clock, log } = this.#options;
    if (this.#state !== 'awaited') return;
    const isLate = clock.now() - this.#since >= PATIENCE_MS;
    if (isPatient && isLate)
      log.warn(
        'nothing listens where the application should (--app-port); it is registered as soon as something does',
        {
          host,
          port,
        },
      );
    const socket = connect({ host, port });
    socket.once('connect', () => {
      socket.destroy();
      this.#found();
    });
    socket.once('error', () => {
      clock.after(LOOK_AGAIN_MS, () => this.#look(isPatient && !isLate));
    });
  }

  #found(): void {
    if (this.#state !== 'awaited') return;
    this.#state = 'there';
    this.#options.arrived();
  }
}
