import type { IncomingMessage } from 'node:http';

const HEADER = 'x-forwarded-client-cert';

/**
 * Says who called, in Envoy's header, to applications that want to know (SANITIZE_SET): whatever the caller put there
 * is dropped first, because only the handshake proves an identity.
 */
export function replaceForwardedClientCert(request: IncomingMessage, value: string): void {
  if (request.headers[HEADER] !== undefined) dropClaim(request);
  if (value === '') return;
  request.headers[HEADER] = value;
  request.rawHeaders.push('X-Forwarded-Client-Cert', value);
}

function dropClaim(request: IncomingMessage): void {
  delete request.headers[HEADER];
  const { rawHeaders } = request;
  for (let index = rawHeaders.length - 2; index >= 0; index -= 2) {
    if (rawHeaders[index]?.toLowerCase() === HEADER) rawHeaders.splice(index, 2);
  }
}
