import type { ChangeSignal } from '../change-signal.ts';

/** Each request of a stream as it comes, and undefined for changes meanwhile. Ends with the requests. */
export async function* turnsOf<Request>(
  requests: AsyncIterable<Request>,
  changes: ChangeSignal,
  signal: AbortSignal,
): AsyncGenerator<Request | undefined> {
  const iterator = requests[Symbol.asyncIterator]();
  let next = iterator.next();
  let { version } = changes;
  for (;;) {
    const turn = new AbortController();
    const change = changes.changed(version, AbortSignal.any([signal, turn.signal])).then(() => undefined);
    const came = await Promise.race([next, change]);
    turn.abort();
    signal.throwIfAborted();
    if (came === undefined) {
      // Before it is looked at: what changes meanwhile is another turn.
      ({ version } = changes);
      yield undefined;
    } else if (came.done === true) {
      return;
    } else {
      next = iterator.next();
      yield came.value;
    }
  }
}
