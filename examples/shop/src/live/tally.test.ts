import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessLogRecord, ConnectionRefusal } from '@rampart/core';
import { renderTally, Tally } from './tally.ts';

const record: AccessLogRecord = {
  timestamp: '2026-01-01T00:00:00.000Z',
  source_principal: '',
  destination_service: 'frontend.production.svc',
  request_method: 'GET',
  request_path: '/',
  response_code: 200,
  response_flags: '-',
  authority: '',
  upstream_host: '',
  duration_ms: 2,
  bytes_received: 0,
  bytes_sent: 0,
  x_forwarded_for: '',
  user_agent: '',
  request_id: '',
  authorization_decision: 'ALLOW',
  authorization_policy: '',
  source_workload: '',
  destination_principal: '',
  protocol: 'HTTP/1.1',
  tls_version: '',
  trace_id: '',
  span_id: '',
  parent_span_id: '',
  reporter: 'destination',
  jwt_principal: '',
  reason: '',
  policy_revision: 1,
  audit_policies: '',
  dry_run_decision: '',
  dry_run_policies: '',
};

const refusal: ConnectionRefusal = {
  timestamp: '2026-01-01T00:00:00.000Z',
  kind: 'plaintext_rejected',
  reason: '',
  destination_service: 'orders-api.default.svc',
  remote_address: '127.0.0.1:1',
  local_port: 1,
  peer: '',
  reported_by: '',
};

test('nothing on record is nothing to average', () => {
  assert.equal(renderTally(new Tally()), '0 requests · 0 denied · 0 connections refused');
});

test('a request counts once, though both ends report it', () => {
  const tally = new Tally();
  tally.add({ kind: 'request', record });
  tally.add({ kind: 'request', record: { ...record, tls_version: 'TLSv1.3', duration_ms: 4 } });
  tally.add({ kind: 'request', record: { ...record, tls_version: 'TLSv1.3', reporter: 'source' } });
  tally.add({ kind: 'request', record: { ...record, authorization_decision: 'DENY', duration_ms: 1 } });
  tally.add({ kind: 'refusal', refusal });
  tally.add({ kind: 'refusal', refusal: { ...refusal, kind: 'certificate_rejected' } });
  assert.deepEqual(
    [tally.requests, tally.denied, tally.mtls, tally.refusedConnections, tally.plaintextRejected],
    [3, 1, 1, 2, 1],
  );
  assert.equal(
    renderTally(tally),
    '3 requests · 1 denied · 2 connections refused · 100 % of calls between services over mTLS · p50 2.0 ms',
  );
});

test('a call in plaintext between services shows', () => {
  const tally = new Tally();
  tally.add({ kind: 'request', record: { ...record, reporter: 'source' } });
  tally.add({ kind: 'request', record: { ...record, reporter: 'source', tls_version: 'TLSv1.3' } });
  assert.equal(tally.mtlsPercent, 50);
});
