import { Socket } from 'node:net';

import { abortConnection, brokenTls } from '@rampart/mesh';

import type { ByteReceiver, ByteStream } from './byte-stream.ts';
import { connectLending, movedToLending } from './lending-socket.ts';
import type { TcpPlace } from './lending-socket.ts';

type Listener = readonly [event: string, listener: (chunk: Buffer) => void];

/** A TCP or TLS socket as a stream. Sockets must have been made with `allowHalfOpen`, where their other side may half-close. */
export class SocketStream implements ByteStream {
  readonly isOfProxy = false;
  #socket: Socket;
  #receiver: ByteReceiver | undefined;
  #failure: Error | undefined;
  #listeners: readonly Listener[] = [];
  #isReleased = false;
  /** Parts of a message wait for the end of this turn of the event loop. */
  #isGathering = false;

  /** What is read is brought by `#lend`, and comes as no event. */
  #isLending = false;
  /** It is to lend as soon as its receiver can make use of that. */
  #mayLend = false;

  /** A connection whose bytes are lent to its receiver. It cannot be released. */
  static lending(place: TcpPlace): SocketStream {
    const socket = connectLending(place, (chunk) => stream.#lend(chunk));
    const stream = new SocketStream(socket.pause());
    stream.#isLending = true;
    return stream;
  }

  /** A connection of a server in this process. It lends once its receiver takes what is lent, and can be released before. */
  static accepted(socket: Socket): SocketStream {
    const stream = new SocketStream(socket);
    stream.#mayLend = socket.constructor === Socket;
    return stream;
  }

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#hearErrors();
  }

  get socket(): Socket {
    return this.#socket;
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
    if (receiver.takesLent !== true || !this.#mayLend) return;
    this.#mayLend = false;
    // The socket is in the middle of what it brings, where its first bytes have led to this receiver.
    process.nextTick(this.#move);
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
    this.#forget();
    if (this.#receiver !== undefined) socket.pause();
    if (head.length > 0) socket.unshift(head);
    return socket;
  }

  readonly #flush = (): void => {
    if (!this.#isGathering) return;
    this.#isGathering = false;
    this.socket.uncork();
  };

  readonly #move = (): void => {
    const { socket } = this;
    if (this.#isReleased || this.#isGathering) return;
    const wasPaused = socket.isPaused();
    const moved = movedToLending(socket, (chunk) => this.#lend(chunk));
    if (moved === undefined) return;
    this.#forget();
    this.#socket = moved;
    this.#isLending = true;
    this.#hearErrors();
    this.#listen();
    if (wasPaused) moved.pause();
  };

  #lend(chunk: Buffer): void {
    const receiver = this.#receiver;
    if (receiver?.takesLent === true) receiver.data(chunk, true);
    else receiver?.data(Buffer.from(chunk));
  }

  #hearErrors(): void {
    this.#socket.on('error', (error: Error) => {
      const reason = brokenTls(error);
      this.#failure = reason === undefined ? error : new Error(reason, { cause: error });
    });
  }

  #forget(): void {
    for (const [event, listener] of this.#listeners) this.#socket.off(event, listener);
    this.#listeners = [];
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
