import type { Clock } from '@rampart/core';
import type { OutputStream } from '../io.ts';

const CLEAR_LINE = '\r\u001b[2K';
const PERIOD_MS = 100;
/** A file gets a line now and then: enough to see that something is going on. */
const LINE_PERIOD_MS = 5000;

/** What a command that takes a while says meanwhile: one line that changes on a terminal, a line now and then elsewhere. */
export class Progress {
  readonly #stream: OutputStream;
  readonly #clock: Clock;
  #saidAt: number;
  #isShown = false;

  constructor(stream: OutputStream, clock: Clock) {
    this.#stream = stream;
    this.#clock = clock;
    // A terminal is told at once, a file only of what takes long.
    this.#saidAt = stream.isTerminal ? -Infinity : clock.now();
  }

  say(text: string): void {
    const now = this.#clock.now();
    if (now - this.#saidAt < (this.#stream.isTerminal ? PERIOD_MS : LINE_PERIOD_MS)) return;
    this.#saidAt = now;
    this.#isShown = this.#stream.isTerminal;
    this.#stream.write(this.#stream.isTerminal ? `${CLEAR_LINE}${text}` : `${text}\n`);
  }

  /** Takes the line away again. */
  end(): void {
    if (this.#isShown) this.#stream.write(CLEAR_LINE);
    this.#isShown = false;
  }
}
