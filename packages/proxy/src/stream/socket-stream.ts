import type { Socket } from 'node:net';

import { abortConnection } from '@rampart/mesh';

import type { ByteReceiver, ByteStream } from './byte-stream.ts';

type Listener = readonly [event: string, listener: (chunk: Buffer) => void];

/** A TCP or TLS socket as a stream. Sockets must have been made with `allowHalfOpen`, where their other side may half-close. */
export class SocketStream implements ByteStream {
  readonly socket: Socket;
  readonly isOfProxy = false;
  #receiver: ByteReceiver | undefined;
  #failure: Error | undefined;
  #listeners: readonly Listener[] = [];
  #isReleased = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', (error: Error) => {
      this.#failure = error;
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

  write(chunk: Uint8Array): boolean {
    return this.socket.write(chunk);
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
    this.#isReleased = true;
    for (const [event, listener] of this.#listeners) socket.off(event, listener);
    this.#listeners = [];
    if (this.#receiver !== undefined) socket.pause();
    if (head.length > 0) socket.unshift(head);
    return socket;
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
  }
}
