import type { Clock, Timer } from '@rampart/core';
import type { RecordInput } from '@rampart/wire/record-block';

import type { Collected, RefusedConnection } from '../telemetry/batch.ts';
import { OpenBlock } from '../telemetry/open-block.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

const CUT_MS = 250;

/** Collects records in one thread for the reporter of another one. */
export class RelayedTelemetry implements Telemetry {
  readonly #clock: Clock;
  readonly #relay: (collected: Collected) => void;
  readonly #block = new OpenBlock();
  #timer: Timer | undefined;

  constructor({ clock, relay }: { readonly clock: Clock; readonly relay: (collected: Collected) => void }) {
    this.#clock = clock;
    this.#relay = relay;
  }

  record(record: RecordInput): void {
    this.#add((block) => block.append(record));
  }

  refused(event: RefusedConnection): void {
    this.#add((block) => block.refused(event));
  }

  collect(collected: Collected): void {
    this.#relay(collected);
  }

  /** What is handed over is the other thread's to deliver. */
  drain(): Promise<number> {
    this.#cut();
    return Promise.resolve(0);
  }

  spoolSync(): void {
    this.#cut();
  }

  #add(what: (block: OpenBlock) => void): void {
    if (this.#block.isEmpty) this.#timer = this.#clock.after(CUT_MS, () => this.#cut());
    what(this.#block);
    if (this.#block.isFull) this.#cut();
  }

  #cut(): void {
    this.#timer?.cancel();
    if (!this.#block.isEmpty) this.#relay(this.#block.take());
  }
}
