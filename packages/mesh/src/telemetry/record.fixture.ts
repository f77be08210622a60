import type { RecordInput } from '@rampart/wire/record-block';

/** A record that is told from others by its path. */
export function record(path: string): RecordInput {
  return {
    startedAt: 1_795_000_000_000,
    durationMicros: 5,
    responseCode: 200,
    bytesReceived: 0,
    bytesSent: 0,
    policyRevision: 1,
    sourcePrincipal: '',
    destinationService: 'orders-api.default.svc',
    method: 'GET',
    path,
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
