/** Takes what a stream brings. Its methods are called in order, and never from within a call to the stream. */
export interface ByteReceiver {
  /** Bytes in order; the receiver may keep them, unless they are lent: then they change once this returns. */
  data(chunk: Buffer, isLent?: boolean): void;
  /** Says that this receiver copies what it keeps of lent bytes; the others are given copies. */
  readonly takesLent?: true;
  /** The other side has sent its last byte; writing to it may go on (half-close). */
  end(): void;
  /** `write` said false, and there is room again. */
  drain(): void;
  /** The stream is over in both directions: called once, and last. `error` is there when it did not end in order. */
  close(error: Error | undefined): void;
}

/** A text of Latin-1 with bytes behind it. */
export interface TextAndBytes {
  readonly text: string;
  readonly parts: readonly Uint8Array[];
  /** Of the text and of all parts. */
  readonly length: number;
}

/** The same in one piece of memory, which is nobody else's. */
export function joined({ text, parts, length }: TextAndBytes): Buffer {
  const whole = Buffer.allocUnsafe(length);
  let at = whole.write(text, 'latin1');
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * Bytes in both directions: a TCP connection, a TLS connection, or one stream of a link. What the proxies carry is
 * written against this, so that it is the same over each of them. Backpressure is the caller's to keep: `write` says
 * false when there is enough under way, and `pause` holds the other side back.
 */
export interface ByteStream {
  /** Body and framing bytes that came so far. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** The other side is a proxy of the mesh: where it ends the stream between two requests, it has looked at no further one. */
  readonly isOfProxy: boolean;
  /** Gives the stream its receiver, or another one in the middle (an upgrade). Nothing is brought before the first. */
  receive(receiver: ByteReceiver): void;
  /**
   * Takes the bytes in any case; false asks the caller to wait for `drain`. Where more of the same message is to follow
   * (`goesOn`), they may wait for the end of this turn of the event loop, to leave with what comes in it.
   */
  write(chunk: Uint8Array, goesOn?: boolean): boolean;
  /** As `write`, for streams that put the parts where they send them from, which spares a copy; others do not have it. */
  writeTogether?(message: TextAndBytes): boolean;
  /** Sends what was written, then says that nothing more will come. */
  end(): void;
  pause(): void;
  resume(): void;
  /** Ends the stream at once in both directions; what was not sent is dropped. */
  reset(reason?: Error): void;
}
