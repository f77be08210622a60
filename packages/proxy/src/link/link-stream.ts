import { RampartError } from '@rampart/core';

import type { ByteReceiver, ByteStream, TextAndBytes } from '../stream/byte-stream.ts';
import { ByteQueue } from './flow/byte-queue.ts';
import type { ReceiveWindow } from './flow/receive-window.ts';
import { FRAME, LONGEST_DATA, MOST_CREDIT } from './frame/format.ts';
import type { LinkProtocol } from './frame/format.ts';
import type { DataTaker } from './frame/frame-reader.ts';
import type { FrameWriter } from './frame/frame-writer.ts';
import { LinkError, resetCode } from './link-error.ts';
import {
  ANSWER,
  BREAKS,
  CLOSED,
  DATA,
  END,
  IDLE,
  onReceived,
  onSent,
  OPEN,
  RESET,
  stateOf,
  WINDOW,
} from './state/stream-states.ts';

/** What a stream is for, as its opener says. */
export interface StreamRequest {
  readonly protocol: LinkProtocol;
  /** Port of the service on the accepting side. */
  readonly port: number;
  /** Up to 1,024 bytes that mean something to both callers. */
  readonly metadata?: Uint8Array;
}

/** One stream of a link. */
export interface LinkStream extends ByteStream {
  /** Odd where the dialing side opened it. */
  readonly id: number;
  readonly request: StreamRequest;
  /** A `LinkError` with a reason of streams tells the other side that reason; other errors are `internal`, none is `cancelled`. */
  reset(reason?: Error): void;
}

/** What a stream needs of its session. */
export interface StreamHost {
  readonly frames: FrameWriter;
  /** False when a DATA frame of so many bytes has to stand in line. */
  takesNow(bytes: number): boolean;
  /** A frame was gathered: it leaves with this turn of the event loop. */
  gathered(): void;
  /** This stream has bytes and credit for them. */
  standInLine(stream: SessionStream): void;
  /** Bytes that wait to be sent: so many more, or fewer. */
  backlogged(bytes: number): void;
  /** Bytes that wait to be read: so many more, or fewer. */
  held(bytes: number): void;
  /** True while one stream's backlog should be empty, because all of them together are too long. */
  readonly isCongested: boolean;
  /** No frame about this stream will be sent or understood any more. */
  closed(stream: SessionStream): void;
  /** And it holds no memory either. */
  released(stream: SessionStream): void;
}

export interface StreamParts {
  readonly id: number;
  readonly request: StreamRequest;
  readonly host: StreamHost;
  readonly window: ReceiveWindow;
  /** Bytes that may be sent before the other side gives more. */
  readonly credit: number;
  readonly backlog: number;
}

/** The part of a stream that its session sees. */
export class SessionStream implements LinkStream, DataTaker {
  readonly id: number;
  readonly request: StreamRequest;
  readonly isOfProxy = true;
  bytesRead = 0;
  bytesWritten = 0;
  /** Set by the session while the stream stands in its line. */
  isInLine = false;

  readonly #host: StreamHost;
  readonly #window: ReceiveWindow;
  readonly #backlog: number;
  readonly #inbox: ByteQueue = new ByteQueue();
  readonly #outbox: ByteQueue = new ByteQueue();
  #receiver: ByteReceiver | undefined;
  #state = IDLE;
  #credit: number;
  #isPaused = false;
  #isPumpDue = false;
  /** `end` was called; END goes out when the outbox is empty. */
  #isEnding = false;
  #hasRemoteEnded = false;
  #isEndBrought = false;
  #isDrainWanted = false;
  #isCloseBrought = false;
  #isReleased = false;
  #failure: Error | undefined;

  constructor({ id, request, host, window, credit, backlog }: StreamParts) {
    this.id = id;
    this.request = request;
    this.#host = host;
    this.#window = window;
    this.#credit = credit;
    this.#backlog = backlog;
  }

  receive(receiver: ByteReceiver): void {
    this.#receiver = receiver;
    this.#pumpLater();
  }

  /** Bytes written after `end`, or when the stream is over, are dropped. */
  write(chunk: Uint8Array): boolean {
    const { length } = chunk;
    if (length === 0 || this.#isEnding || this.#failure !== undefined) return true;
    if (!this.#takesNow(length)) return this.#queue([chunk], length);
    this.bytesWritten += length;
    this.#host.frames.data(this.id, chunk);
    this.#host.gathered();
    return true;
  }

  writeTogether(message: TextAndBytes): boolean {
    const { text, parts, length } = message;
    if (this.#isEnding || this.#failure !== undefined) return true;
    if (!this.#takesNow(length)) return this.#queue([Buffer.from(text, 'latin1'), ...parts], length);
    this.bytesWritten += length;
    this.#host.frames.dataOf(this.id, message);
    this.#host.gathered();
    return true;
  }

  /** Bytes that wait for their turn lie where they are. */
  #queue(chunks: readonly Uint8Array[], length: number): boolean {
    this.bytesWritten += length;
    for (const chunk of chunks) this.#outbox.push(chunk);
    this.#host.backlogged(length);
    if (this.#credit > 0) this.#host.standInLine(this);
    const hasRoom = this.#outbox.length < this.#backlog && !this.#host.isCongested;
    if (!hasRoom) this.#isDrainWanted = true;
    return hasRoom;
  }

  end(): void {
    if (this.#isEnding || this.#failure !== undefined) return;
    this.#isEnding = true;
    if (this.#outbox.length === 0) this.#sendEnd();
    this.#pumpLater();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#pumpLater();
  }

  reset(reason?: Error): void {
    if (this.#failure !== undefined || this.#isCloseBrought) return;
    this.#fail(reason ?? new LinkError('cancelled'));
    if (this.#state !== CLOSED) {
      this.#sends(RESET);
      this.#host.frames.byte(FRAME.RESET, this.id, resetCode(reason));
      this.#host.gathered();
    }
    this.#pumpLater();
  }

  /** The opener's first step, and the acceptor's. */
  opened(by: 'us' | 'them'): void {
    if (by === 'us') this.#sends(OPEN);
    else this.#state = stateOf(onReceived(this.#state, OPEN));
  }

  /** What a received frame does to this stream, for the session to act on; its state has changed. */
  receives(column: number): number {
    const outcome = onReceived(this.#state, column);
    if ((outcome & BREAKS) === 0) this.#state = stateOf(outcome);
    return outcome;
  }

  /** Bytes of DATA were announced. False when there was no credit for them. */
  arrives(bytes: number): boolean {
    return this.#window.arrives(bytes);
  }

  take(piece: Buffer): void {
    if (this.#failure !== undefined) return;
    this.bytesRead += piece.length;
    if (this.#receiver === undefined || this.#isPaused || this.#inbox.length > 0) {
      this.#inbox.push(piece);
      this.#host.held(piece.length);
    } else {
      this.#bring(this.#receiver, piece);
    }
  }

  remoteEnded(): void {
    this.#hasRemoteEnded = true;
    this.#settle();
    this.#pump();
  }

  /** The other side, or the session, ended the stream early. */
  failed(error: Error, outcome: number): void {
    if ((outcome & ANSWER) !== 0) {
      this.#host.frames.byte(FRAME.RESET, this.id, resetCode(undefined));
      this.#host.gathered();
    }
    if (this.#failure === undefined) this.#fail(error);
    this.#settle();
    this.#pump();
  }

  /** The session is over: nothing can be sent about the stream any more. */
  cutOff(error: Error): void {
    this.#state = CLOSED;
    this.failed(error, 0);
  }

  /** More credit. False when it is more than there can be. */
  credited(bytes: number): boolean {
    this.#credit += bytes;
    if (this.#outbox.length > 0) this.#host.standInLine(this);
    return this.#credit <= MOST_CREDIT;
  }

  /** Sends one DATA frame of what waits. Returns its bytes. */
  sendNext(): number {
    const length = Math.min(this.#outbox.length, this.#credit, LONGEST_DATA);
    if (length <= 0) return 0;
    this.#sends(DATA);
    this.#credit -= length;
    this.#host.frames.dataFrom(this.id, this.#outbox, length);
    this.#host.backlogged(-length);
    if (this.#outbox.length === 0) this.#emptied();
    return length;
  }

  get isReady(): boolean {
    return this.#outbox.length > 0 && this.#credit > 0;
  }

  /** Whether so many bytes go into a frame at once; then they are as good as sent. */
  #takesNow(length: number): boolean {
    if (this.#outbox.length > 0 || length > this.#credit || !this.#host.takesNow(length)) return false;
    this.#sends(DATA);
    this.#credit -= length;
    return true;
  }

  #emptied(): void {
    if (this.#isEnding) {
      this.#sendEnd();
      this.#pumpLater();
    } else if (this.#isDrainWanted) {
      this.#isDrainWanted = false;
      this.#receiver?.drain();
    }
  }

  #sendEnd(): void {
    this.#sends(END);
    this.#host.frames.empty(FRAME.END, this.id);
    this.#host.gathered();
    this.#settle();
  }

  #sends(column: number): void {
    const outcome = onSent(this.#state, column);
    if ((outcome & BREAKS) !== 0)
      throw new RampartError('INTERNAL', `BUG: a stream of a link in state ${this.#state} sends frame ${column}`);
    this.#state = stateOf(outcome);
  }

  /** Nothing that waits in either direction is of use any more. */
  #fail(error: Error): void {
    this.#failure = error;
    this.#host.backlogged(-this.#outbox.length);
    this.#host.held(-this.#inbox.length);
    this.#outbox.clear();
    this.#inbox.clear();
  }

  #bring(receiver: ByteReceiver, piece: Buffer): void {
    try {
      receiver.data(piece);
    } catch (cause) {
      this.reset(cause instanceof Error ? cause : new LinkError('internal', String(cause)));
      return;
    }
    if (this.#hasRemoteEnded || this.#failure !== undefined) return;
    const credit = this.#window.consumes(piece.length);
    if (credit === 0) return;
    this.#sends(WINDOW);
    this.#host.frames.word(FRAME.WINDOW, this.id, credit);
    this.#host.gathered();
  }

  /** A receiver is never called from within a call to the stream. */
  #pumpLater(): void {
    if (this.#isPumpDue || this.#receiver === undefined) return;
    this.#isPumpDue = true;
    queueMicrotask(() => {
      this.#isPumpDue = false;
      this.#pump();
    });
  }

  /** Brings the receiver what there is for it, in order. */
  #pump(): void {
    while (!this.#isPaused && this.#receiver !== undefined) {
      const piece = this.#inbox.shift(LONGEST_DATA);
      if (piece === undefined) break;
      this.#host.held(-piece.length);
      this.#bring(this.#receiver, piece);
    }
    if (this.#failure === undefined && (this.#inbox.length > 0 || this.#isPaused)) return;
    this.#bringEnd();
    this.#settle();
  }

  #bringEnd(): void {
    const receiver = this.#receiver;
    if (receiver === undefined || this.#isCloseBrought) return;
    if (this.#failure === undefined && this.#hasRemoteEnded && !this.#isEndBrought) {
      this.#isEndBrought = true;
      receiver.end();
    }
    // The receiver of the end may have paused, or have been replaced.
    const isOver = this.#failure !== undefined || (this.#isEndBrought && this.#state === CLOSED);
    if (!isOver || this.#isCloseBrought) return;
    this.#isCloseBrought = true;
    this.#receiver?.close(this.#failure);
  }

  /** Tells the session once that the stream is closed and holds nothing. */
  #settle(): void {
    if (this.#state !== CLOSED || this.#isReleased) return;
    this.#host.closed(this);
    if (this.#inbox.length > 0) return;
    this.#isReleased = true;
    this.#window.release();
    this.#host.released(this);
  }
}
