import { type ContextKey, type ContextValues, createContextKey, type HandlerContext } from '@connectrpc/connect';
import { encodeEnvelope } from '@connectrpc/connect/protocol';
import type { NodeRequest, NodeResponse } from '../node-handler.ts';

/** Content of streams whose messages are protobuf, each behind five bytes that say how long it is (gRPC over HTTP/2, Connect). */
const BINARY_STREAM = /^application\/(?:grpc(?:-web)?(?:\+proto)?|connect\+proto)$/;
const NOT_COMPRESSED = 0;

/** A message as it stands in every stream of protobuf. */
export function frameOf(message: Uint8Array): Uint8Array {
  return encodeEnvelope(NOT_COMPRESSED, message);
}

/**
 * A way past the protocol library for messages of a stream that are encoded already: the library encodes a message anew for each
 * stream, and hands it through a dozen promises. Only for what follows a message that went the usual way, with the headers, and
 * while the library waits for the next one.
 */
export class EncodedLane {
  readonly #response: NodeResponse;
  #isClosed = false;

  constructor(response: NodeResponse) {
    this.#response = response;
  }

  /** False when the other end has to catch up first. Writes nothing once it is closed. */
  write(frame: Uint8Array): boolean {
    if (this.#isClosed || this.#response.destroyed) return true;
    // An error is followed by the end of the call, which is where everybody hears of it.
    return this.#response.write(frame, 'binary', () => undefined);
  }

  /** Waits until the other end has caught up, or is gone. */
  async drained(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const go = (): void => resolve();
    this.#response.once('drain', go);
    signal.addEventListener('abort', go);
    if (signal.aborted) go();
    await promise;
    this.#response.off('drain', go);
    signal.removeEventListener('abort', go);
  }

  /** From this moment on the caller is told nothing more. */
  close(): void {
    this.#isClosed = true;
  }
}

const LANE: ContextKey<EncodedLane | undefined> = createContextKey<EncodedLane | undefined>(undefined, {
  description: 'encoded lane',
});

/** Opens the lane of a call whose content allows for one. */
export function openLane(values: ContextValues, request: NodeRequest, response: NodeResponse): void {
  if (BINARY_STREAM.test(request.headers['content-type'] ?? '')) values.set(LANE, new EncodedLane(response));
}

/** Undefined where messages are not protobuf. */
export function laneOf({ values }: Pick<HandlerContext, 'values'>): EncodedLane | undefined {
  return values.get(LANE);
}
