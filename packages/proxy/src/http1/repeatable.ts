import type { Exchange } from '../http/exchange.ts';

const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** Whether requests with a method mean the same when they are repeated (RFC 9110 §9.2.2). */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}

/** Whether a request may be sent twice: no body of it was given away, and it means the same when it is repeated (RFC 9110 §9.2.2). */
export function isRepeatable({ head, bytesReceived, isRead }: Exchange): boolean {
  return isRead && bytesReceived === 0 && isIdempotent(head.method);
}
