import type { IncomingMessage } from 'node:http';

import { dropHeader } from './headers.ts';

const HEADER = 'x-forwarded-client-cert';

/**
 * Says who called, in Envoy's header, to applications that want to know (SANITIZE_SET): whatever the caller put there
 * is dropped first, because only the handshake proves an identity. Comes before anything reads the headers for policy.
 */
export function replaceForwardedClientCert(request: IncomingMessage, value: string): void {
  if (request.headers[HEADER] !== undefined) dropHeader(request, HEADER);
  if (value === '') return;
  request.headers[HEADER] = value;
  request.rawHeaders.push('X-Forwarded-Client-Cert', value);
}
