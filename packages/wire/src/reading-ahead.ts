/** What hands out HTTP/2 streams of a client, such as the Http2SessionManager of `@connectrpc/connect-node`. */
interface Sessions {
  request(...request: never[]): Promise<AsyncIterable<unknown>>;
}

/**
 * The same sessions, whose streams are listened to from their beginning. Node 24.20 and later, and 26.3 and later, take a complete
 * HTTP/2 response for cut off when its end is read before somebody iterates over it ("Premature close", nodejs/node#65677):
 * ConnectRPC begins only after the headers, and under load all of it arrives at once.
 */
export function readingAhead<S extends Sessions>(sessions: S): S {
  const request = sessions.request.bind(sessions);
  const listening = async (...call: never[]): Promise<AsyncIterable<unknown>> => begun(await request(...call));
  return Object.assign(sessions, { request: listening });
}

/** The same stream; its iterator waits for the first chunk already. */
function begun<T, S extends AsyncIterable<T>>(stream: S & AsyncIterable<T>): S {
  const iterator = stream[Symbol.asyncIterator]();
  const further = iterator.next.bind(iterator);
  let first: Promise<IteratorResult<T>> | undefined = further();
  // Who reads is told; nobody reads what failed before there was anything.
  first.catch(() => undefined);
  const next = (): Promise<IteratorResult<T>> => {
    const due = first ?? further();
    first = undefined;
    return due;
  };
  Object.assign(iterator, { next });
  return Object.assign(stream, { [Symbol.asyncIterator]: () => iterator });
}
