import { blankRecord, type RecordInput, RecordBlockWriter } from '@rampart/wire/record-block';

const STARTED_AT = Date.UTC(2026, 0, 1);

/** A record block of requests, each given by what is special about it. */
export function recordBlock(requests: readonly Partial<RecordInput>[]): Uint8Array {
  const block = new RecordBlockWriter();
  requests.forEach((request, index) => block.append({ ...ORDINARY, startedAt: STARTED_AT + index, ...request }));
  return block.finish();
}

const ORDINARY: RecordInput = {
  ...blankRecord(),
  startedAt: STARTED_AT,
  durationMicros: 1500,
  responseCode: 200,
  bytesSent: 12,
  policyRevision: 1,
  sourcePrincipal: 'spiffe://cluster.local/ns/default/sa/frontend',
  destinationService: 'orders-api.default.svc',
  method: 'GET',
  path: '/orders',
  responseFlags: '-',
  authority: 'orders-api',
  upstreamHost: '127.0.0.1:3000',
  userAgent: 'test',
  sourceWorkload: 'frontend-1',
  destinationPrincipal: 'spiffe://cluster.local/ns/default/sa/orders',
  protocol: 'HTTP/1.1',
  tlsVersion: 'TLSv1.3',
  reporter: 'destination',
  decision: 'ALLOW',
};
