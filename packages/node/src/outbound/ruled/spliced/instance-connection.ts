import type { Socket } from 'node:net';

import type { LoopHold } from '../loop-hold.ts';
import { AnswerReader } from './answer-reader.ts';
import type { AnswerListener, ReadingState } from './answer-reader.ts';
import { KnownHead } from './known-head.ts';

/** Is told what becomes of one request on a connection. */
export interface ConnectionListener extends AnswerListener {
  /** There will be no whole answer. */
  broke(error: Error, facts: BreakFacts): void;
}

export interface BreakFacts {
  /** The connection had carried requests before. */
  readonly wasUsed: boolean;
  /** It had, and has said nothing since. */
  readonly isStale: boolean;
}

/** Where connections go that can be used again. */
export interface ConnectionKeeper {
  /** Keeps the process alive while an answer is waited for: connections by themselves do not. */
  readonly hold: Pick<LoopHold, 'begin' | 'end'>;
  keep(connection: InstanceConnection, seconds: number | undefined): void;
  gone(connection: InstanceConnection): void;
}

/** A connection to an instance, on which one request at a time is answered. */
export class InstanceConnection {
  readonly instanceId: string;
  /** It is not used again. */
  isRetired = false;
  /** On the keeper's clock, until when the instance keeps it. */
  keptUntil: number = Number.POSITIVE_INFINITY;
  readonly #socket: Socket;
  readonly #keeper: ConnectionKeeper;
  readonly #known = new KnownHead();
  #listener: ConnectionListener | undefined;
  #reader: AnswerReader | undefined;
  #wasUsed = false;
  #isDead = false;

  constructor(socket: Socket, instanceId: string, keeper: ConnectionKeeper) {
    this.instanceId = instanceId;
    this.#socket = socket;
    this.#keeper = keeper;
    socket.setNoDelay(true).unref();
    socket.on('data', (bytes: Buffer) => this.#came(bytes));
    socket.on('error', (error) => this.#broke(error));
    socket.on('end', () => this.#ended());
    socket.on('close', () => this.#broke(new Error('the connection was closed before there was a whole answer')));
  }

  get isUsable(): boolean {
    return !this.#isDead && !this.isRetired && !this.#socket.destroyed && this.#socket.writable;
  }

  /** `text`: a character for each byte. */
  send(text: string, method: string, listener: ConnectionListener): void {
    this.#listener = listener;
    this.#reader = new AnswerReader(method, listener, this.#known);
    this.#keeper.hold.begin();
    this.#socket.write(text, 'latin1');
  }

  /** There is room for more of the answer, or there is none. */
  flow(isFlowing: boolean): void {
    if (isFlowing === !this.#socket.isPaused()) return;
    if (isFlowing) this.#socket.resume();
    else this.#socket.pause();
  }

  /** Nobody is told anything any more. */
  destroy(): void {
    this.#listener = undefined;
    this.#isDead = true;
    this.#done();
    this.#keeper.gone(this);
    this.#socket.destroy();
  }

  #came(bytes: Buffer): void {
    const reader = this.#reader;
    if (reader === undefined || this.#listener === undefined) {
      // Nobody has asked for anything.
      this.destroy();
      return;
    }
    const state = reader.take(bytes);
    // The listener may have given the connection up.
    if (state === 'reading' || this.#isDead) return;
    if (state === 'unreadable') this.#broke(new Error('the answer is not one of HTTP/1.1'));
    else this.#over(reader, state);
  }

  #over({ head }: AnswerReader, state: ReadingState): void {
    this.#listener = undefined;
    this.#done();
    this.#wasUsed = true;
    this.flow(true);
    if (state !== 'whole' || head?.keeps !== true || !this.isUsable) {
      this.destroy();
      return;
    }
    this.#keeper.keep(this, head.keepsSeconds);
  }

  /** Nothing is waited for any more. */
  #done(): void {
    if (this.#reader === undefined) return;
    this.#reader = undefined;
    this.#keeper.hold.end();
  }

  #ended(): void {
    const listener = this.#listener;
    if (this.#reader?.head?.end.by === 'close' && listener !== undefined) {
      this.destroy();
      listener.body(Buffer.alloc(0), true);
    } else this.#broke(new Error('the connection was ended before there was a whole answer'));
  }

  #broke(error: Error): void {
    const listener = this.#listener;
    const hasBegun = this.#reader?.hasBegun === true;
    this.destroy();
    listener?.broke(error, { wasUsed: this.#wasUsed, isStale: this.#wasUsed && !hasBegun });
  }
}
