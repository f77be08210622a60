import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { AccessLogRecord } from '@rampart/core';
import fc from 'fast-check';
import { renderRefusalLine } from './refusal-line.ts';
import { renderRequestLine } from './request-line.ts';

const ALLOWED: AccessLogRecord = {
  timestamp: '2026-11-21T10:00:01.250Z',
  source_principal: 'spiffe://cluster.local/ns/web/sa/frontend',
  destination_service: 'orders-api.default.svc',
  request_method: 'GET',
  request_path: '/api/orders?page=2',
  response_code: 200,
  response_flags: '-',
  authority: 'orders-api',
  upstream_host: '127.0.0.1:4000',
  duration_ms: 3,
  bytes_received: 0,
  bytes_sent: 12,
  x_forwarded_for: '',
  user_agent: 'node',
  request_id: 'b9',
  authorization_decision: 'ALLOW',
  authorization_policy: 'default/allow-frontend',
  source_workload: 'frontend-1',
  destination_principal: 'spiffe://cluster.local/ns/default/sa/orders-api',
  protocol: 'HTTP/1.1',
  tls_version: 'TLSv1.3',
  trace_id: '0'.repeat(32),
  span_id: '0'.repeat(16),
  parent_span_id: '',
  reporter: 'destination',
  jwt_principal: '',
  reason: 'rule 0 of default/allow-frontend matched',
  policy_revision: 4,
  audit_policies: '',
  dry_run_decision: '',
  dry_run_policies: '',
};
const PLAIN = { color: false };

const LINES: readonly { readonly rule: string; readonly change: Partial<AccessLogRecord>; readonly line: string }[] = [
  {
    rule: 'who → whom, method, path, code, decision, policy',
    change: {},
    line: '10:00:01.250 web/frontend         → orders-api.default       GET    /api/orders?page=2               200 ALLOW default/allow-frontend',
  },
  {
    rule: 'where no policy decided, the reason stands in its place',
    change: {
      authorization_decision: 'DENY',
      authorization_policy: '',
      response_code: 403,
      reason: 'no ALLOW rule matched',
    },
    line: '10:00:01.250 web/frontend         → orders-api.default       GET    /api/orders?page=2               403 DENY  no ALLOW rule matched',
  },
  {
    rule: 'what is not let out of the mesh has its reason, because no policy says it',
    change: {
      reporter: 'source',
      destination_service: 'example.org:80',
      request_method: '',
      request_path: '',
      response_code: 0,
      response_flags: 'UH',
      authorization_decision: 'DENY',
      authorization_policy: 'istio-system/default',
      reason: 'example.org is in no ServiceEntry for callers of namespace web, and the mesh is REGISTRY_ONLY',
    },
    line: '10:00:01.250 web/frontend         → example.org:80                                                   --- DENY  example.org is in no ServiceEntry for callers of namespace web, and the mesh is REGISTRY_ONLY [UH]',
  },
  {
    rule: 'a request without answer has no code, and its flags',
    change: { response_code: 0, response_flags: 'UF' },
    line: '10:00:01.250 web/frontend         → orders-api.default       GET    /api/orders?page=2               --- ALLOW default/allow-frontend [UF]',
  },
  {
    rule: 'a caller of another trust domain is named in full',
    change: { source_principal: 'spiffe://evil.example/ns/a/sa/b' },
    line: '10:00:01.250 evil.example/ns/a/sa/b → orders-api.default       GET    /api/orders?page=2               200 ALLOW default/allow-frontend',
  },
  {
    rule: 'plaintext has no caller',
    change: { source_principal: '', tls_version: '' },
    line: '10:00:01.250 plaintext            → orders-api.default       GET    /api/orders?page=2               200 ALLOW default/allow-frontend',
  },
  {
    rule: 'text of a stranger cannot move the cursor',
    change: { request_path: '/\u001b[2J\u202e' },
    line: '10:00:01.250 web/frontend         → orders-api.default       GET    /\\x1b[2J\\u{202e}                 200 ALLOW default/allow-frontend',
  },
];

suite('a request line', () => {
  for (const { rule, change, line } of LINES) {
    test(rule, () => assert.equal(renderRequestLine({ ...ALLOWED, ...change }, PLAIN), line));
  }

  test('never is wider than the terminal from 80 columns on, whatever the request says', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string(),
        fc.integer({ min: 80, max: 300 }),
        (path, principal, width) => {
          const line = renderRequestLine(
            { ...ALLOWED, request_path: path, source_principal: principal, reason: path },
            { color: false, width },
          );
          assert.ok(Array.from(line).length <= width, `${Array.from(line).length} > ${width}: ${line}`);
        },
      ),
    );
  });

  test('has no control character but its own colours', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const line = renderRequestLine(
          { ...ALLOWED, request_path: text, request_method: text, authorization_policy: text, timestamp: text },
          PLAIN,
        );
        assert.doesNotMatch(line, /[\p{Cc}\p{Bidi_Control}]/u);
      }),
    );
  });

  test('is coloured by its decision', () => {
    const denied = renderRequestLine({ ...ALLOWED, authorization_decision: 'DENY' }, { color: true });
    assert.ok(denied.includes('\u001b[31mDENY \u001b[39m'), denied);
    const allowed = renderRequestLine(ALLOWED, { color: true });
    assert.ok(allowed.includes('\u001b[32mALLOW\u001b[39m'), allowed);
  });
});

test('a refused connection stands in the columns of requests', () => {
  const line = renderRefusalLine(
    {
      timestamp: '2026-11-21T10:00:01.250Z',
      kind: 'plaintext_rejected',
      reason: 'mTLS STRICT from mesh istio-system',
      destination_service: 'orders-api.default.svc',
      remote_address: '127.0.0.1:50123',
      local_port: 4000,
      peer: '',
      reported_by: 'spiffe://cluster.local/ns/default/sa/orders-api',
    },
    PLAIN,
  );
  assert.equal(
    line,
    '10:00:01.250 127.0.0.1:50123      → orders-api.default       plaintext refused                       --- CLOSE mTLS STRICT from mesh istio-system',
  );
});
