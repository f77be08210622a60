import { dropSpellings, guardHeaders, hasNameOf, PROTOTYPE } from './headers.ts';
import type { HeaderAccess, RequestMessage } from './message.ts';

const CLIENT_CERT = 'x-forwarded-client-cert';

/** What the mesh tells the application of a request; "" for what it has nothing to say about. */
export interface MeshHeaders {
  readonly requestId: string;
  /** Envoy's X-Forwarded-Client-Cert. */
  readonly clientCert: string;
}

/**
 * Says which request this is and who called, in Envoy's headers, to applications that want to know (SANITIZE_SET): a
 * client certificate that the caller named is dropped first, because only the handshake proves an identity. Comes
 * before anything reads the headers for policy.
 */
export function setMeshHeaders(request: RequestMessage, mesh: MeshHeaders): void {
  if (request.access !== undefined) return addMeshHeaders(request, request.access, mesh);
  const { requestId, clientCert } = mesh;
  const { headers } = request;
  if (hasNameOf(request, PROTOTYPE.length, CLIENT_CERT.length)) {
    guardHeaders(request);
    dropSpellings(request, CLIENT_CERT);
  }
  if (requestId !== '') headers['x-request-id'] = requestId;
  if (clientCert !== '') headers[CLIENT_CERT] = clientCert;
  // One push: the array has no room left, and each growth is a copy.
  if (requestId !== '' && clientCert !== '') {
    request.rawHeaders.push('X-Request-Id', requestId, 'X-Forwarded-Client-Cert', clientCert);
  } else if (requestId !== '') {
    request.rawHeaders.push('X-Request-Id', requestId);
  } else if (clientCert !== '') {
    request.rawHeaders.push('X-Forwarded-Client-Cert', clientCert);
  }
}

function addMeshHeaders(request: RequestMessage, access: HeaderAccess, { requestId, clientCert }: MeshHeaders): void {
  if (access.hasSpelling(CLIENT_CERT)) dropSpellings(request, CLIENT_CERT);
  if (requestId !== '') access.add('x-request-id', requestId);
  if (clientCert !== '') access.add(CLIENT_CERT, clientCert);
}
