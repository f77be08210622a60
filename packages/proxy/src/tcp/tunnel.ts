import type { Clock, Timer } from '@rampart/core';
import { COMPLETE, EgressDenied, ResponseFlag } from '@rampart/mesh';
import type { Ending } from '@rampart/mesh';

import type { ByteReceiver, ByteStream } from '../stream/byte-stream.ts';

/** How a tunnel ended. */
export interface TunnelEnd {
  readonly ending: Ending;
  /** Bytes that came from the caller. */
  readonly bytesReceived: number;
  /** Bytes that went to the caller. */
  readonly bytesSent: number;
}

export interface TunnelOptions {
  /** The caller's side. */
  readonly near: ByteStream;
  /** Bytes of the caller that were read before; may be empty. */
  readonly head: Buffer;
  /** Opens the other side. Rejects with the reason where it cannot, and gives up when the signal says so. */
  connect(signal: AbortSignal): Promise<ByteStream>;
  /** What a failure to connect is on the record. */
  failed(error: Error): Ending;
  readonly clock: Clock;
  /** Milliseconds without a byte in either direction after which it ends. */
  readonly idleMs: number;
  /** The other side is there: called once at most. */
  opened?(): void;
  /** Takes leave of a caller that is still there when there will be no other side; absent: it is reset. */
  unopened?(ending: Ending): void;
  /** Called once, and last. */
  ended(end: TunnelEnd): void;
}

/** One of the two streams, and how far it is. */
interface Side {
  readonly stream: ByteStream;
  readonly flag: ResponseFlag;
  readonly name: string;
  hasEnded: boolean;
  hasClosed: boolean;
}

/**
 * Carries bytes between two streams, both ways at once and without looking at them: neither side has to speak first. A
 * side that is slow holds back the other one alone. Half-closes and resets go through to the other side.
 */
export class Tunnel {
  readonly #options: TunnelOptions;
  readonly #near: Side;
  readonly #dialing = new AbortController();
  #far: Side | undefined;
  #timer: Timer | undefined;
  /** Came before the other side was there. */
  #early: Buffer[];
  #lastActive: number;
  #bytesReceived = 0;
  #bytesSent = 0;
  #isOver = false;

  constructor(options: TunnelOptions) {
    const { near, head, clock } = options;
    this.#options = options;
    this.#near = { stream: near, flag: ResponseFlag.callerGone, name: 'the caller', hasEnded: false, hasClosed: false };
    this.#early = head.length === 0 ? [] : [head];
    this.#bytesReceived = head.length;
    this.#lastActive = clock.now();
    near.receive(this.#fromNear());
    near.pause();
    void this.#connect();
  }

  /** Ends both sides at once. `cause` is what they are told, where there is a way to. */
  close(ending: Ending, cause: Error = new Error(ending.reason)): void {
    this.#finish(ending, cause);
  }

  async #connect(): Promise<void> {
    const { connect, failed } = this.#options;
    try {
      const stream = await connect(this.#dialing.signal);
      if (this.#isOver) stream.reset();
      else this.#open(stream);
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      this.#finish(failed(error), error);
    }
  }

  #open(stream: ByteStream): void {
    const { clock, idleMs, opened } = this.#options;
    const flag = ResponseFlag.upstreamReset;
    const far: Side = { stream, flag, name: 'the other side', hasEnded: false, hasClosed: false };
    this.#far = far;
    this.#lastActive = clock.now();
    this.#timer = clock.after(idleMs, () => this.#idle());
    stream.receive(this.#fromFar(far));
    opened?.();
    let hasRoom = true;
    for (const chunk of this.#early) hasRoom = stream.write(chunk);
    this.#early = [];
    if (this.#near.hasEnded) stream.end();
    else if (hasRoom) this.#near.stream.resume();
  }

  #fromNear(): ByteReceiver {
    const near = this.#near;
    return {
      data: (chunk) => {
        this.#bytesReceived += chunk.length;
        if (this.#far === undefined) this.#early.push(chunk);
        else this.#carry(chunk, near.stream, this.#far.stream);
      },
      end: () => {
        near.hasEnded = true;
        this.#far?.stream.end();
      },
      drain: () => this.#far?.stream.resume(),
      close: (error) => this.#closed(near, error),
    };
  }

  #fromFar(far: Side): ByteReceiver {
    const near = this.#near;
    return {
      data: (chunk) => {
        this.#bytesSent += chunk.length;
        this.#carry(chunk, far.stream, near.stream);
      },
      end: () => {
        far.hasEnded = true;
        near.stream.end();
      },
      drain: () => near.stream.resume(),
      close: (error) => this.#closed(far, error),
    };
  }

  #carry(chunk: Buffer, from: ByteStream, to: ByteStream): void {
    this.#lastActive = this.#options.clock.now();
    if (!to.write(chunk)) from.pause();
  }

  #closed(side: Side, error: Error | undefined): void {
    side.hasClosed = true;
    const other = side === this.#near ? this.#far : this.#near;
    const isWhole = side.hasEnded && other?.hasEnded === true;
    if (isWhole && other.hasClosed) {
      this.#finish(COMPLETE);
    } else if (!isWhole || error !== undefined) {
      this.#finish(broken(side, error), error ?? new Error('closed'));
    }
  }

  #idle(): void {
    const { clock, idleMs } = this.#options;
    const left = this.#lastActive + idleMs - clock.now();
    if (left > 0) {
      this.#timer = clock.after(left, () => this.#idle());
      return;
    }
    const reason = `nothing was sent for ${idleMs / 1000} s`;
    this.#finish({ flag: ResponseFlag.idle, reason, policy: '' }, new Error(reason));
  }

  #finish(ending: Ending, cause?: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    this.#dialing.abort(cause);
    this.#early = [];
    const { unopened, ended } = this.#options;
    if (this.#far?.hasClosed === false) this.#far.stream.reset(cause);
    if (!this.#near.hasClosed) {
      if (this.#far === undefined && unopened !== undefined) unopened(ending);
      else this.#near.stream.reset(cause);
    }
    ended({ ending, bytesReceived: this.#bytesReceived, bytesSent: this.#bytesSent });
  }
}

/** An error of policy is one that closed the connection on purpose. */
function broken({ flag, name }: Side, error: Error | undefined): Ending {
  if (error instanceof EgressDenied) return error.ending;
  const how = error === undefined ? 'closed its connection too early' : `broke the connection: ${error.message}`;
  return { flag, reason: `${name} ${how}`, policy: '' };
}
