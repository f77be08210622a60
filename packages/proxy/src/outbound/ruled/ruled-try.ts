import type { UpstreamCall } from '../../http/upstream.ts';
import type { ResponseSink } from '../../http1/client-connection.ts';
import type { MessageHead } from '../../http1/head.ts';
import type { Portion } from '../../http1/message-reader.ts';
import type { ByteStream } from '../../stream/byte-stream.ts';

/** Takes what becomes of the tries of one request. */
export interface TryListener {
  response(of: RuledTry, head: MessageHead, portion: Portion): boolean;
  responseBody(portion: Portion): boolean;
  inform(head: MessageHead): void;
  switched(head: MessageHead, far: ByteStream, rest: Buffer): void;
  requestRoom(): void;
  failed(of: RuledTry, error: Error): void;
}

/** One try of a request: once it is given up, nothing is heard of it any more. */
export class RuledTry implements ResponseSink {
  readonly client: UpstreamCall;
  #listener: TryListener | undefined;

  constructor(client: UpstreamCall, listener: TryListener) {
    this.client = client;
    this.#listener = listener;
  }

  giveUp(): void {
    if (this.#listener === undefined) return;
    this.#listener = undefined;
    this.client.abandon();
  }

  /** What still comes is of no interest, and the connection may be used again. */
  ignore(): void {
    this.#listener = undefined;
  }

  response(head: MessageHead, portion: Portion): boolean {
    return this.#listener?.response(this, head, portion) ?? true;
  }

  responseBody(portion: Portion): boolean {
    return this.#listener?.responseBody(portion) ?? true;
  }

  inform(head: MessageHead): void {
    this.#listener?.inform(head);
  }

  switched(head: MessageHead, stream: ByteStream, rest: Buffer): void {
    if (this.#listener === undefined) stream.reset();
    else this.#listener.switched(head, stream, rest);
  }

  requestRoom(): void {
    this.#listener?.requestRoom();
  }

  failed(error: Error): void {
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.failed(this, error);
  }
}

/** Takes the answer to a copy of a request, which nobody looks at. */
export const UNHEARD: ResponseSink = {
  response: () => true,
  responseBody: () => true,
  inform: () => undefined,
  switched: (_, stream) => stream.reset(),
  requestRoom: () => undefined,
  failed: () => undefined,
};
