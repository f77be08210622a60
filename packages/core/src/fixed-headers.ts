/** Belong to one connection, not to the message (RFC 9110 §7.6.1), or say how long a body is. */
const FRAMING: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** True for a header that says how a message is sent, which nobody may carry over to another one. `name` is in lower case. */
export function isFraming(name: string): boolean {
  return FRAMING.has(name);
}

/**
 * True for what neither a claim nor an authorizer writes into a request: framing, the authority, and the identity that the handshake proved.
 * The decision about the request would otherwise be about another one.
 */
export function isFixedInRequest(name: string): boolean {
  return isFraming(name) || name === 'host' || name === 'x-forwarded-client-cert' || name.startsWith(':');
}
