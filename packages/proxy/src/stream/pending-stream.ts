import { joined } from './byte-stream.ts';
import type { ByteReceiver, ByteStream, TextAndBytes } from './byte-stream.ts';

/** A stream that is being opened: what is written to it waits, up to what its writer was told. */
export class PendingStream implements ByteStream {
  #stream: ByteStream | undefined;
  #receiver: ByteReceiver | undefined;
  #written: Uint8Array[] = [];
  #hasEnded = false;
  #isPaused = false;
  #isOver = false;
  #reset: { readonly reason: Error | undefined } | undefined;

  get bytesRead(): number {
    return this.#stream?.bytesRead ?? 0;
  }

  get bytesWritten(): number {
    return this.#stream?.bytesWritten ?? 0;
  }

  get isOfProxy(): boolean {
    return this.#stream?.isOfProxy ?? false;
  }

  receive(receiver: ByteReceiver): void {
    this.#receiver = receiver;
    this.#stream?.receive(receiver);
  }

  write(chunk: Uint8Array, goesOn?: boolean): boolean {
    if (this.#stream !== undefined) return this.#stream.write(chunk, goesOn);
    if (!this.#isOver) this.#written.push(chunk);
    return false;
  }

  writeTogether(message: TextAndBytes): boolean {
    const stream = this.#stream;
    return stream?.writeTogether === undefined ? this.write(joined(message)) : stream.writeTogether(message);
  }

  end(): void {
    if (this.#stream === undefined) this.#hasEnded = true;
    else this.#stream.end();
  }

  pause(): void {
    this.#isPaused = true;
    this.#stream?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#stream?.resume();
  }

  reset(reason?: Error): void {
    if (this.#stream !== undefined) this.#stream.reset(reason);
    else if (!this.#isOver) this.#reset = { reason };
  }

  /** Here it is. */
  opened(stream: ByteStream): void {
    this.#stream = stream;
    // Also where it was given up meanwhile: whoever waits for its end hears of it.
    if (this.#receiver !== undefined) stream.receive(this.#receiver);
    if (this.#reset !== undefined || this.#isOver) {
      stream.reset(this.#reset?.reason);
      return;
    }
    if (this.#isPaused) stream.pause();
    let hasRoom = true;
    for (const chunk of this.#written.splice(0)) hasRoom = stream.write(chunk);
    if (this.#hasEnded) stream.end();
    else if (hasRoom) this.#receiver?.drain();
  }

  /** It could not be opened. */
  failed(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#written = [];
    this.#receiver?.close(error);
  }
}
