import type { RecordInput } from './record-block.ts';

/** A request as a data plane would record it. */
export function recordInput(changes: Partial<RecordInput> = {}): RecordInput {
  return {
    startedAt: Date.UTC(2026, 10, 21, 10, 0, 0, 123),
    durationMicros: 1234,
    responseCode: 200,
    bytesReceived: 0,
    bytesSent: 512,
    policyRevision: 42,
    sourcePrincipal: 'spiffe://cluster.local/ns/web/sa/frontend',
    destinationService: 'orders-api.default.svc',
    method: 'GET',
    path: '/api/orders?page=2',
    responseFlags: '-',
    authority: 'orders-api.default.svc.cluster.local:8080',
    upstreamHost: '127.0.0.1:41234',
    forwardedFor: '',
    userAgent: 'curl/8.11.0',
    decision: 'ALLOW',
    policy: 'default/orders-api-allow',
    sourceWorkload: 'orders-api-7f3a',
    destinationPrincipal: 'spiffe://cluster.local/ns/default/sa/orders-api',
    protocol: 'HTTP/1.1',
    tlsVersion: 'TLSv1.3',
    reporter: 'destination',
    jwtPrincipal: '',
    reason: 'allowed by default/orders-api-allow rule 0',
    auditPolicies: '',
    dryRunDecision: '',
    dryRunPolicies: '',
    requestId: '0f8fad5b-d9cb-469f-a165-70867728950e',
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    spanId: '00f067aa0ba902b7',
    parentSpanId: 'b7ad6b7169203331',
    ...changes,
  };
}
