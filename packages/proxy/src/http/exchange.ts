import type { ByteStream } from '../stream/byte-stream.ts';
import type { MessageHead } from '../http1/head.ts';
import type { Portion } from '../http1/message-reader.ts';
import type { BodySink } from '../http1/server-exchange.ts';

/** One request and its answer, as the side of the caller sees them: the same over HTTP/1.1 and over HTTP/2. */
export interface Exchange {
  readonly head: MessageHead;
  /** The caller asks to take the connection to another protocol. */
  readonly isUpgrade: boolean;
  /** Body bytes that came, and that were sent. */
  bytesReceived: number;
  bytesSent: number;
  /** Status of the answer that was sent; 0 before. */
  readonly status: number;
  /** The request has come whole. */
  readonly isRead: boolean;
  /** The answer was sent whole, or never will be. */
  readonly isOver: boolean;
  readonly hasBegunAnswer: boolean;
  /** What its record is to say of an answer that came whole; "" or absent where there is nothing to say. */
  readonly remark?: string;
  /** No further request is to come on this connection. */
  makeLast(): void;
  /** What came of the body so far, and whether that is all; it goes with the head to where the request is sent. */
  takeBody(sink: BodySink): Portion;
  /**
   * Reads ahead in the body until it is whole or more than `limit` bytes are there, before `takeBody`. Rejects when the
   * caller goes away, or with the signal's reason.
   */
  peek(limit: number, signal: AbortSignal): Promise<{ readonly bytes: Buffer; readonly complete: boolean }>;
  /** Calls back once when the caller goes away before its answer is complete. Returns how to stop waiting for that. */
  onGone(callback: () => void): () => void;
  /** Tells a caller that waits for it to send its body (RFC 9110 §10.1.1). */
  invite(): void;
  /** No more of the body may come for now. */
  pause(): void;
  /** More of the body may come. */
  resume(): void;
  /** Sends an informational answer (1xx other than 101) ahead of the real one. */
  inform(head: MessageHead): void;
  /** Sends an answer's head with what is there of its body. Says whether there is room for more. */
  respond(head: MessageHead, portion: Portion): boolean;
  /** Sends more of the answer's body. Says whether there is room for more. */
  continue(portion: Portion): boolean;
  /** Sends an answer of the proxy's own. */
  answer(status: number, headers: readonly string[], body: Uint8Array): void;
  /** The answer broke off where it cannot be mended, for `reason`: the caller sees so. */
  breakOff(reason?: Error): void;
  /**
   * Sends the answer that takes the connection to another protocol; returns the stream and what came behind the request.
   * `over` is to be called when the stream is.
   */
  switchTo(head: MessageHead): { readonly stream: ByteStream; readonly rest: Buffer; readonly over: () => void };
}
