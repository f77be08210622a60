import type { Clock, Timer } from '@rampart/core';

import type { ByteReceiver, ByteStream } from '../../stream/byte-stream.ts';

/** What the first bytes of a connection are, as far as they came. */
export type Parsed<T> =
  | { readonly kind: 'more' }
  /** `length`: how many of the bytes it took. */
  | { readonly kind: 'done'; readonly value: T; readonly length: number }
  | { readonly kind: 'bad'; readonly reason: string };

/** Why the first bytes of a connection were not understood. */
export interface OpeningProblem {
  /** "silent": not one byte came, so nothing was asked. */
  readonly kind: 'bad' | 'late' | 'large' | 'silent';
  readonly reason: string;
}

export interface OpeningLimits {
  /** Milliseconds from here to the last byte of what is asked for, however its bytes trickle in. */
  readonly deadlineMs: number;
  /** Bytes that are held while waiting for more. */
  readonly maxBytes: number;
}

export interface OpeningOptions<T> {
  readonly stream: ByteStream;
  /** Bytes that were read already. */
  readonly head?: Buffer;
  readonly clock: Clock;
  readonly limits: OpeningLimits;
  /** Reads all that came so far. */
  parse(bytes: Buffer): Parsed<T>;
  /** The stream is paused; `rest` came after what was asked for. Not called where the other side goes away before. */
  done(value: T, rest: Buffer): void;
  /** The stream is paused. */
  failed(problem: OpeningProblem): void;
  /** The other side went away first. */
  gone?(): void;
}

/** Reads what a connection begins with, within its limits, and hands the connection on. */
export function readOpening<T>(options: OpeningOptions<T>): void {
  const opening = new Opening(options);
  opening.start();
}

class Opening<T> implements ByteReceiver {
  readonly #options: OpeningOptions<T>;
  #bytes: Buffer;
  #timer: Timer | undefined;
  #isOver = false;

  constructor(options: OpeningOptions<T>) {
    this.#options = options;
    this.#bytes = options.head ?? Buffer.alloc(0);
  }

  start(): void {
    const { stream, clock, limits } = this.#options;
    this.#look();
    if (this.#isOver) return;
    const reason = `not understood within ${limits.deadlineMs} ms`;
    this.#timer = clock.after(limits.deadlineMs, () => this.#fail(this.#unlessSilent({ kind: 'late', reason })));
    stream.receive(this);
    stream.resume();
  }

  data(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    this.#look();
  }

  /** Whoever has said its last before it was understood will not be. */
  end(): void {
    this.#fail(this.#unlessSilent({ kind: 'bad', reason: 'ended before it was understood' }));
  }

  drain(): void {}

  close(): void {
    if (this.#isOver) return;
    this.#finish();
    this.#options.gone?.();
  }

  #look(): void {
    const { limits, parse, done } = this.#options;
    const parsed = parse(this.#bytes);
    switch (parsed.kind) {
      case 'done': {
        const rest = this.#bytes.subarray(parsed.length);
        this.#finish();
        done(parsed.value, rest);
        return;
      }
      case 'bad':
        this.#fail(parsed);
        return;
      case 'more':
        if (this.#bytes.length < limits.maxBytes) return;
        this.#fail({ kind: 'large', reason: `not understood within ${limits.maxBytes} bytes` });
    }
  }

  #unlessSilent(problem: OpeningProblem): OpeningProblem {
    return this.#bytes.length === 0 ? { kind: 'silent', reason: 'nothing was said' } : problem;
  }

  #fail(problem: OpeningProblem): void {
    if (this.#isOver) return;
    this.#finish();
    this.#options.failed(problem);
  }

  #finish(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#bytes = Buffer.alloc(0);
    this.#options.stream.pause();
  }
}
