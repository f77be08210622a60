import { AsyncLocalStorage } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';

/** A request, or the socket of an upgrade, that waits for an answer from elsewhere. */
export interface Held {
  readonly request: EventEmitter;
  /** What the answer goes to: the response or the socket. */
  readonly answered: EventEmitter;
  /** Called instead of going on when the caller goes away meanwhile. */
  readonly gone: () => void;
}

/**
 * Holds a request until `answer` is there. Nobody reads from it meanwhile, so its body waits in the stream, and beyond a
 * buffer in the socket; its events come once somebody reads. Then `go` runs as it would have without the wait: in the
 * context of the request, and outside the promise, so that what the application throws is the application's.
 */
export function hold<T>({ request, answered, gone }: Held, answer: Promise<T>, go: (value: T) => void): void {
  const inContext = AsyncLocalStorage.snapshot();
  let isOver = false;
  const settle = (): boolean => {
    if (isOver) return false;
    isOver = true;
    request.off('aborted', leave);
    answered.off('close', leave);
    answered.off('error', leave);
    return true;
  };
  const leave = (): void => {
    if (settle()) gone();
  };
  request.on('aborted', leave);
  answered.on('close', leave);
  answered.on('error', leave);
  const resume = (value: T): void =>
    queueMicrotask(() => {
      if (settle()) inContext(go, value);
    });
  answer.then(resume, (error: unknown) =>
    queueMicrotask(() => {
      throw error;
    }),
  );
}
