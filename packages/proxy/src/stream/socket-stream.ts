import { connect } from 'node:net';
import type { Socket } from 'node:net';

import { abortConnection, brokenTls } from '@rampart/mesh';

import type { ByteReceiver, ByteStream } from './byte-stream.ts';

/** What a socket reads at most at a time. */
const READ_BYTES = 65_536;
/** Of all sockets of this thread that lend: what one of them reads is dealt with before another one reads. */
let lent: Buffer | undefined;

/** A place of TCP. */
export interface TcpPlace {
  readonly host: string;
  readonly port: number;
}

type Listener = readonly [event: string, listener: (chunk: Buffer) => void];

/** A TCP or TLS socket as a stream. Sockets must have been made with `allowHalfOpen`, where their other side may half-close. */
export class SocketStream implements ByteStream {
  readonly socket: Socket;
  readonly isOfProxy = false;
  #receiver: ByteReceiver | undefined;
  #failure: Error | undefined;
  #listeners: readonly Listener[] = [];
  #isReleased = false;
  /** Parts of a message wait for the end of this turn of the event loop. */
  #isGathering = false;

  /** What is read is brought by `#lend`, and comes as no event. */
  #isLending = false;

  /**
   * A connection whose bytes are read into memory that is lent to its receiver, instead of memory of their own for each
   * read: that spares a service with small answers a tenth of what a connection costs. It cannot be released.
   */
  static lending(place: TcpPlace): SocketStream {
    const buffer = (lent ??= Buffer.allocUnsafeSlow(READ_BYTES));
    const callback = (bytes: number): boolean => {
      stream.#lend(buffer.subarray(0, bytes));
      return true;
    };
    const socket = connect({ ...place, allowHalfOpen: true, noDelay: true, onread: { buffer, callback } });
    const stream = new SocketStream(socket.pause());
    stream.#isLending = true;
    return stream;
  }

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', (error: Error) => {
      const reason = brokenTls(error);
      this.#failure = reason === undefined ? error : new Error(reason, { cause: error });
    });
  }

  get bytesRead(): number {
    return this.socket.bytesRead;
  }

  get bytesWritten(): number {
    return this.socket.bytesWritten;
  }

  receive(receiver: ByteReceiver): void {
    const isFirst = this.#receiver === undefined;
    this.#receiver = receiver;
    if (isFirst) this.#listen();
  }

  /** A link brings what a caller has sent at once in two pieces: whoever reads it would be woken for each. */
  write(chunk: Uint8Array, goesOn = false): boolean {
    if (goesOn && !this.#isGathering) {
      this.#isGathering = true;
      this.socket.cork();
      setImmediate(this.#flush);
    }
    const hasRoom = this.socket.write(chunk);
    if (!goesOn) this.#flush();
    return hasRoom;
  }

  end(): void {
    this.socket.end();
  }

  pause(): void {
    if (!this.#isReleased) this.socket.pause();
  }

  resume(): void {
    if (!this.#isReleased) this.socket.resume();
  }

  reset(reason?: Error): void {
    this.#failure ??= reason;
    abortConnection(this.socket);
  }

  /** Gives the socket to somebody else, paused, with what was read of it put back. Nothing is brought to a receiver any more. */
  release(head: Buffer): Socket {
    const { socket } = this;
    this.#flush();
    this.#isReleased = true;
    for (const [event, listener] of this.#listeners) socket.off(event, listener);
    this.#listeners = [];
    if (this.#receiver !== undefined) socket.pause();
    if (head.length > 0) socket.unshift(head);
    return socket;
  }

  readonly #flush = (): void => {
    if (!this.#isGathering) return;
    this.#isGathering = false;
    this.socket.uncork();
  };

  #lend(chunk: Buffer): void {
    const receiver = this.#receiver;
    if (receiver?.takesLent === true) receiver.data(chunk, true);
    else receiver?.data(Buffer.from(chunk));
  }

  #listen(): void {
    const { socket } = this;
    if (socket.closed) {
      queueMicrotask(() => this.#receiver?.close(this.#failure));
      return;
    }
    this.#listeners = [
      ['data', (chunk: Buffer) => this.#receiver?.data(chunk)],
      ['end', () => this.#receiver?.end()],
      ['drain', () => this.#receiver?.drain()],
      ['close', () => this.#receiver?.close(this.#failure)],
    ];
    for (const [event, listener] of this.#listeners) socket.on(event, listener);
    if (this.#isLending) socket.resume();
  }
}
