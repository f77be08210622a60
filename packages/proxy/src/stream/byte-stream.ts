/** Takes what a stream brings. Its methods are called in order, and never from within a call to the stream. */
export interface ByteReceiver {
  /** Bytes in order; the receiver may keep them. */
  data(chunk: Buffer): void;
  /** The other side has sent its last byte; writing to it may go on (half-close). */
  end(): void;
  /** `write` said false, and there is room again. */
  drain(): void;
  /** The stream is over in both directions: called once, and last. `error` is there when it did not end in order. */
  close(error: Error | undefined): void;
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
  /** Takes the bytes in any case; false asks the caller to wait for `drain`. */
  write(chunk: Uint8Array): boolean;
  /** Sends what was written, then says that nothing more will come. */
  end(): void;
  pause(): void;
  resume(): void;
  /** Ends the stream at once in both directions; what was not sent is dropped. */
  reset(reason?: Error): void;
}
