const MESSAGE = 'grpc-message';
/** What is not printable ASCII, and what begins an escape. */
const ESCAPED = /[^ -~]+|%/gu;

/**
 * Trailers whose `grpc-message` has no more escapes than gRPC asks for (PROTOCOL-HTTP2.md, "Percent-Encoded"). ConnectRPC escapes
 * with `encodeURIComponent`, @grpc/grpc-js reads with `decodeURI`, which leaves `%3A` and the like as they are: people would read
 * those. Names are in lower case, as Node has them; what is not escaped at all stays as it is.
 */
export function withReadableStatus<Trailers extends object>(trailers: Trailers): Trailers {
  const message: unknown = MESSAGE in trailers ? trailers[MESSAGE] : undefined;
  if (typeof message !== 'string') return trailers;
  try {
    return { ...trailers, [MESSAGE]: decodeURIComponent(message).replace(ESCAPED, encodeURIComponent) };
  } catch {
    return trailers;
  }
}
