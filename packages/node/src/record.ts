import type { RecordInput } from '@rampart/wire/record-block';

/** A record with nothing in it, to be filled. */
export function blankRecord(): RecordInput {
  return {
    startedAt: 0,
    durationMicros: 0,
    responseCode: 0,
    bytesReceived: 0,
    bytesSent: 0,
    policyRevision: 0,
    sourcePrincipal: '',
    destinationService: '',
    method: '',
    path: '',
    responseFlags: '-',
    authority: '',
    upstreamHost: '',
    forwardedFor: '',
    userAgent: '',
    decision: 'ALLOW',
    policy: '',
    sourceWorkload: '',
    destinationPrincipal: '',
    protocol: 'HTTP/1.1',
    tlsVersion: '',
    reporter: 'destination',
    jwtPrincipal: '',
    reason: '',
    requestId: '',
    traceId: '',
    spanId: '',
  };
}
