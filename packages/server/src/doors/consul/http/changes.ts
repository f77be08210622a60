import { type Clock, RampartError } from '@rampart/core';
import type { Discovery, ServiceKey, Watch } from '@rampart/registry';

/** What may change an answer: a service, a namespace, or nothing, because the caller may not know of it. */
export type Subject = { readonly service: ServiceKey } | { readonly namespace: string } | 'nothing';

export interface ChangesOptions {
  readonly discovery: Discovery;
  readonly clock: Clock;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

/** Answers that are compared as a whole are not made anew more often than this for one caller. */
const PAUSE_MS = 100;
/** Nor for more than a fifth of the time. */
const PAUSES_FOR_ONE = 4;

/** That something happened to a subject, from now on. */
export class Changes {
  readonly #options: ChangesOptions;
  readonly #close: () => void;
  readonly #wake = (): void => {
    this.#tell?.();
    this.#goOn?.();
  };
  #watch: Watch | undefined;
  #happened = false;
  #isOver = false;
  #tell: (() => void) | undefined;
  /** Ends a pause. */
  #goOn: (() => void) | undefined;

  constructor(subject: Subject, options: ChangesOptions) {
    this.#options = options;
    options.signal.addEventListener('abort', this.#wake);
    if (subject === 'nothing') this.#close = () => undefined;
    else if ('service' in subject) this.#close = options.discovery.onChange(subject.service, () => this.#notice());
    else {
      this.#follow(subject.namespace);
      this.#close = () => {
        this.#watch?.close();
        this.#watch = undefined;
      };
    }
  }

  /** True at the next change, or at once when there was one meanwhile; false when time is up or nobody is to wait any more. */
  async next(milliseconds: number): Promise<boolean> {
    if (!this.#happened && !this.#isOver) await this.#wait(milliseconds);
    const happened = this.#happened;
    this.#happened = false;
    return happened && !this.#isOver && !this.#options.signal.aborted;
  }

  /** Ends the waiting. */
  stop(): void {
    this.#isOver = true;
    this.#wake();
  }

  /** `spentMs`: what the last answer took. Ends early when nobody is to wait any more. */
  async pause(spentMs: number): Promise<void> {
    if (this.#isOver || this.#options.signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#goOn = resolve;
    const timer = this.#options.clock.after(Math.max(PAUSE_MS, PAUSES_FOR_ONE * spentMs), resolve);
    await promise;
    timer.cancel();
    this.#goOn = undefined;
  }

  close(): void {
    this.#options.signal.removeEventListener('abort', this.#wake);
    this.#close();
  }

  async #wait(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#tell = resolve;
    const timer = this.#options.clock.after(milliseconds, resolve);
    await promise;
    timer.cancel();
    this.#tell = undefined;
  }

  #notice(): void {
    this.#happened = true;
    this.#tell?.();
  }

  #follow(namespace: string): void {
    const { discovery } = this.#options;
    const wake = (): void => {
      this.#notice();
      // What happened is asked for again as a whole: of the history, only its end matters.
      queueMicrotask(() => this.#catchUp(namespace));
    };
    const opened = discovery.watch({ namespace }, wake, discovery.revision);
    if (!opened.ok) throw new RampartError('INTERNAL', 'BUG: a watch of the present was refused');
    this.#watch = opened.value;
    // A watch wakes nobody before it was asked once.
    opened.value.poll();
  }

  #catchUp(namespace: string): void {
    for (let event = this.#watch?.poll(); event !== undefined; event = this.#watch?.poll()) {
      if (event.kind !== 'compacted') continue;
      this.#watch?.close();
      this.#follow(namespace);
    }
  }
}
