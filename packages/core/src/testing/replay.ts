import type { AccessLogRecord } from '../access-log.ts';
import { Replay } from '../analysis/replay.ts';
import type { ReplayReport } from '../analysis/replay/report.ts';
import { Traffic } from '../analysis/replay/traffic.ts';
import type { Resource } from '../resource/resource.ts';

export const FRONTEND: string = 'spiffe://cluster.local/ns/web/sa/frontend';
export const BATCH: string = 'spiffe://cluster.local/ns/web/sa/batch';

/** A request of the frontend for an order, with what is special about it. */
export function recordOf(special: Partial<AccessLogRecord> = {}): AccessLogRecord {
  return {
    timestamp: '2026-11-01T00:00:00.000Z',
    source_principal: FRONTEND,
    destination_service: 'orders-api.shop.svc',
    request_method: 'GET',
    request_path: '/orders/1?full=1',
    response_code: 200,
    response_flags: '-',
    authority: 'orders-api.shop',
    upstream_host: '10.0.0.7:3000',
    duration_ms: 1,
    bytes_received: 0,
    bytes_sent: 0,
    x_forwarded_for: '',
    user_agent: 'curl/8',
    request_id: '',
    authorization_decision: 'ALLOW',
    authorization_policy: '',
    source_workload: '',
    destination_principal: 'spiffe://cluster.local/ns/shop/sa/orders',
    protocol: 'HTTP/1.1',
    tls_version: 'TLSv1.3',
    trace_id: '',
    span_id: '',
    parent_span_id: '',
    reporter: 'destination',
    jwt_principal: '',
    reason: '',
    policy_revision: 10,
    audit_policies: '',
    dry_run_decision: '',
    dry_run_policies: '',
    ...special,
  };
}

export interface ReplayCase {
  readonly live?: readonly Resource[];
  readonly candidate: readonly Resource[];
  readonly records: readonly AccessLogRecord[];
  readonly labels?: readonly Readonly<Record<string, string>>[];
  readonly changedAt?: number;
}

/** What a replay of these records says. */
export function replay({
  live = [],
  candidate,
  records,
  labels = [{ app: 'orders-api' }],
  changedAt = 0,
}: ReplayCase): ReplayReport {
  const traffic = new Traffic({ since: 0, changedAt: () => changedAt, asksUserAgent: true });
  for (const each of records) traffic.add(each);
  const judge = new Replay({
    live,
    candidate,
    rootNamespace: 'istio-system',
    trustDomain: 'cluster.local',
    labelsOf: () => labels,
    callerLabelsOf: () => labels,
  });
  for (const counted of traffic.take()) judge.judge(counted);
  return judge.report();
}
