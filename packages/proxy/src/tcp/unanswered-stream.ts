import { LinkError } from '../link/link-error.ts';
import type { LinkReason } from '../link/link-error.ts';
import type { ByteReceiver, ByteStream } from '../stream/byte-stream.ts';
import { PendingStream } from '../stream/pending-stream.ts';

/** Bytes that are kept to be sent again; a side that has said more than that before it was answered is not waited for. */
const MOST_KEPT = 65_536;
/** Streams that take the place of one before. */
const MOST_REPLACED = 3;

/** The other side has looked at nothing of the stream, and another instance, or a new link, may take it. */
const REFUSED: ReadonlySet<LinkReason> = new Set(['overloaded', 'unavailable', 'going-away', 'not-accepting']);
/** The link is over: what became of what was sent over it is not known. */
const LOST: ReadonlySet<LinkReason> = new Set(['connection-lost', 'closed', 'dead-peer', 'deadline', 'expired']);

/**
 * A stream on a link is there as soon as it is asked for, and whether the other side takes it shows later. Until that has
 * said something, another stream takes its place where nothing is done twice by that: it was refused, or its link ended
 * before a byte was sent.
 */
export class UnansweredStream implements ByteStream {
  #stream: ByteStream;
  readonly #again: (error: LinkError) => Promise<ByteStream>;
  #receiver: ByteReceiver | undefined;
  /** Undefined once it cannot be replaced any more. */
  #kept: Uint8Array[] | undefined = [];
  #keptBytes = 0;
  #replaced = 0;
  #isPaused = false;
  #hasEnded = false;

  /** @param again opens another one, or rejects with why there is none */
  constructor(stream: ByteStream, again: (error: LinkError) => Promise<ByteStream>) {
    this.#stream = stream;
    this.#again = again;
  }

  get bytesRead(): number {
    return this.#stream.bytesRead;
  }

  get bytesWritten(): number {
    return this.#stream.bytesWritten;
  }

  get isOfProxy(): boolean {
    return this.#stream.isOfProxy;
  }

  receive(receiver: ByteReceiver): void {
    this.#receiver = receiver;
    this.#listen();
  }

  write(chunk: Uint8Array, goesOn?: boolean): boolean {
    this.#keep(chunk);
    return this.#stream.write(chunk, goesOn);
  }

  end(): void {
    this.#hasEnded = true;
    this.#stream.end();
  }

  pause(): void {
    this.#isPaused = true;
    this.#stream.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#stream.resume();
  }

  reset(reason?: Error): void {
    this.#kept = undefined;
    this.#stream.reset(reason);
  }

  #keep(chunk: Uint8Array): void {
    this.#keptBytes += chunk.length;
    if (this.#keptBytes > MOST_KEPT) this.#kept = undefined;
    else this.#kept?.push(chunk);
  }

  #listen(): void {
    const receiver = this.#receiver;
    if (receiver === undefined) return;
    if (this.#kept === undefined) {
      this.#stream.receive(receiver);
      return;
    }
    this.#stream.receive({
      data: (chunk) => {
        this.#answered(receiver);
        receiver.data(chunk);
      },
      end: () => {
        this.#answered(receiver);
        receiver.end();
      },
      drain: () => receiver.drain(),
      close: (error) => {
        if (this.#canReplace(error)) this.#replace(error);
        else receiver.close(error);
      },
    });
  }

  #answered(receiver: ByteReceiver): void {
    this.#kept = undefined;
    this.#stream.receive(receiver);
  }

  #canReplace(error: Error | undefined): error is LinkError {
    if (this.#kept === undefined || this.#replaced >= MOST_REPLACED || !(error instanceof LinkError)) return false;
    return REFUSED.has(error.reason) || (LOST.has(error.reason) && this.#keptBytes === 0 && !this.#hasEnded);
  }

  #replace(error: LinkError): void {
    this.#replaced += 1;
    const pending = new PendingStream();
    this.#stream = pending;
    this.#listen();
    if (this.#isPaused) pending.pause();
    for (const chunk of this.#kept ?? []) pending.write(chunk);
    if (this.#hasEnded) pending.end();
    void this.#open(pending, error);
  }

  async #open(pending: PendingStream, error: LinkError): Promise<void> {
    try {
      pending.opened(await this.#again(error));
    } catch (cause) {
      pending.failed(cause instanceof Error ? cause : error);
    }
  }
}
