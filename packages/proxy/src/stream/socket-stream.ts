import type { Socket } from 'node:net';

import { abortConnection } from '@rampart/mesh';

import type { ByteReceiver, ByteStream } from './byte-stream.ts';

/** A TCP or TLS socket as a stream. Sockets must have been made with `allowHalfOpen`, where their other side may half-close. */
export class SocketStream implements ByteStream {
  readonly socket: Socket;
  #receiver: ByteReceiver | undefined;
  #failure: Error | undefined;

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
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  reset(reason?: Error): void {
    this.#failure ??= reason;
    abortConnection(this.socket);
  }

  #listen(): void {
    const { socket } = this;
    if (socket.closed) {
      queueMicrotask(() => this.#receiver?.close(this.#failure));
      return;
    }
    socket.on('data', (chunk: Buffer) => this.#receiver?.data(chunk));
    socket.on('end', () => this.#receiver?.end());
    socket.on('drain', () => this.#receiver?.drain());
    socket.on('close', () => this.#receiver?.close(this.#failure));
  }
}
