import { RampartError } from '@rampart/core';
import type { Clock, Random, Timer } from '@rampart/core';

import { RemoteError } from '../control/connect/remote-error.ts';
import { Backoff } from './backoff.ts';
import type { ReportBatch, TelemetrySend } from './batch.ts';
import type { BatchSource } from './batch-source.ts';

/** Without an answer for this long, the control plane counts as away; the attempt goes on. */
const PATIENCE_MS = 1_000;
/** After this long, an attempt counts as failed. A late answer does no harm. */
const ATTEMPT_MS = 15_000;

export interface DeliveryOptions {
  readonly source: BatchSource;
  readonly send: TelemetrySend;
  readonly clock: Clock;
  readonly random: Random;
  /** Called after each attempt, and when one takes long. */
  readonly onChange?: () => void;
}

type Attempt = 'stored' | 'refused' | 'failed';

/**
 * Sends the batches of one source, one at a time: the next one goes only after the one before was stored, so the control
 * plane sees them in order whatever fails in between. What fails is tried again, later and later, for ever.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #backoff: Backoff;
  #running = false;
  #more = false;
  #away = false;
  #pause: { readonly timer: Timer; end(): void } | undefined;
  #stopped = false;
  #stored = 0;
  #refused = 0;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.random);
  }

  /** True from a failed or slow attempt until the next success. */
  get isAway(): boolean {
    return this.#away;
  }

  /** Records and refused connections that the control plane has stored. */
  get stored(): number {
    return this.#stored;
  }

  /** Records and refused connections that the control plane called invalid; they are not sent again. */
  get refused(): number {
    return this.#refused;
  }

  /** The source has something. */
  wake(): void {
    this.#more = true;
    if (!this.#running && !this.#stopped) void this.#run();
  }

  /** There is reason to believe that the control plane is back. */
  retryNow(): void {
    this.#backoff.reset();
    this.#pause?.end();
    this.wake();
  }

  /** No attempt begins after this. */
  stop(): void {
    this.#stopped = true;
    this.#pause?.end();
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      while (this.#more && !this.#stopped) {
        this.#more = false;
        await this.#deliverAll();
      }
    } finally {
      this.#running = false;
    }
  }

  async #deliverAll(): Promise<void> {
    const { source } = this.#options;
    while (!this.#stopped) {
      const batch = await source.next().catch(() => 'unreadable' as const);
      if (batch === undefined) return;
      const attempt = batch === 'unreadable' ? 'failed' : await this.#attempt(batch);
      if (batch !== 'unreadable' && attempt !== 'failed') await this.#settle(batch, attempt);
      this.#setAway(attempt === 'failed');
      if (attempt === 'failed') await this.#wait(this.#backoff.next());
    }
  }

  async #settle(batch: ReportBatch, attempt: Attempt): Promise<void> {
    const items = batch.recordCount + batch.connectionEvents.length;
    if (attempt === 'stored') this.#stored += items;
    else this.#refused += items;
    this.#backoff.reset();
    await this.#options.source.acknowledge(batch);
  }

  #attempt(batch: ReportBatch): Promise<Attempt> {
    const { clock, send } = this.#options;
    return new Promise((resolve) => {
      const patience = clock.after(PATIENCE_MS, () => this.#setAway(true));
      const limit = clock.after(ATTEMPT_MS, () => end('failed'));
      const end = (attempt: Attempt): void => {
        patience.cancel();
        limit.cancel();
        resolve(attempt);
      };
      // The wrapper turns what `send` throws at once into a rejection too.
      void (async () => send(batch))().then(
        () => end('stored'),
        (error: unknown) => end(isRefusal(error) ? 'refused' : 'failed'),
      );
    });
  }

  #setAway(away: boolean): void {
    this.#away = away;
    this.#options.onChange?.();
  }

  #wait(milliseconds: number): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        this.#pause?.timer.cancel();
        this.#pause = undefined;
        resolve();
      };
      this.#pause = { timer: this.#options.clock.after(milliseconds, end), end };
    });
  }
}

/** The control plane answered, and says that this batch will never do: sending it again would block what comes after it. */
function isRefusal(error: unknown): boolean {
  if (error instanceof RampartError) return error.code === 'INVALID_ARGUMENT';
  return error instanceof RemoteError && error.code === 'invalid_argument';
}
