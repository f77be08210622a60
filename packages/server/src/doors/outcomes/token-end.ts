import type { Interceptor } from '@connectrpc/connect';
import { RampartError } from '@rampart/core';
import type { ApiTokens } from '../../admin/api-tokens/api-tokens.ts';
import { apiTokenOf } from '../caller.ts';
import { laneOf } from '../streams/encoded-lane.ts';

/** Ends streams with the token that opened them: one that is revoked shows nothing more from that moment. */
export function createTokenEnd(tokens: ApiTokens): Interceptor {
  return (next) => async (request) => {
    const response = await next(request);
    const id = apiTokenOf({ values: request.contextValues });
    if (!response.stream || id === undefined) return response;
    const lane = laneOf({ values: request.contextValues });
    const onEnd = (ended: () => void): (() => void) =>
      tokens.onEnded(id, () => {
        lane?.close();
        ended();
      });
    return { ...response, message: until(response.message, onEnd) };
  };
}

const ENDED = Symbol('ended');

async function* until<T>(messages: AsyncIterable<T>, onEnd: (ended: () => void) => () => void): AsyncIterable<T> {
  const end = Promise.withResolvers<typeof ENDED>();
  const forget = onEnd(() => end.resolve(ENDED));
  const iterator = messages[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), end.promise]);
      if (next === ENDED) throw new RampartError('UNAUTHENTICATED', 'the token of this call has ended');
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    forget();
    // Not waited for: it may be in the middle of waiting itself.
    void iterator.return?.();
  }
}
