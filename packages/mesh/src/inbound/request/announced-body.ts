import type { IncomingHttpHeaders } from 'node:http';

/** Whether the headers of a request of HTTP/1.1 say that a body follows (RFC 9112 §6.3). Over HTTP/2 none need say so. */
export function announcesBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0;
}
