/** One request as its reporter saw it, in the form of the access log (one JSON object a line). */
export interface AccessLogRecord {
  /** RFC 3339, milliseconds, UTC. When the request began. */
  readonly timestamp: string;
  /** SPIFFE ID of the verified peer; "" when the caller has none. */
  readonly source_principal: string;
  /** "orders-api.default.svc". */
  readonly destination_service: string;
  readonly request_method: string;
  /** Path and query as received. */
  readonly request_path: string;
  /** 0 when no response was begun. */
  readonly response_code: number;
  /** Envoy's response flags ("-", "UAEX", "UF", "UH", "DC", "UC"…). */
  readonly response_flags: string;
  readonly authority: string;
  /** "ip:port" of the instance that served it; "" when none was chosen. */
  readonly upstream_host: string;
  readonly duration_ms: number;
  /** Body bytes. */
  readonly bytes_received: number;
  readonly bytes_sent: number;
  readonly x_forwarded_for: string;
  readonly user_agent: string;
  readonly request_id: string;
  readonly authorization_decision: 'ALLOW' | 'DENY';
  /** "namespace/name" of the policy that decided; "" when none did. */
  readonly authorization_policy: string;
  /** "orders-api-7f3a" – the data plane's workload name. */
  readonly source_workload: string;
  readonly destination_principal: string;
  /** "HTTP/1.1". */
  readonly protocol: string;
  /** "TLSv1.3"; "" for plaintext. */
  readonly tls_version: string;
  /** 32 hex digits. */
  readonly trace_id: string;
  /** 16 hex digits. */
  readonly span_id: string;
  /** 16 hex digits: the hop before this one; "" where the trace begins here. */
  readonly parent_span_id: string;
  readonly reporter: 'source' | 'destination';
  /** "iss/sub" of a verified end-user token; "" when none. */
  readonly jwt_principal: string;
  readonly reason: string;
  readonly policy_revision: number;
  /** AUDIT policies that matched, "namespace/name" joined with ","; "" when none did. */
  readonly audit_policies: string;
  /** What would have been decided with the dry-run policies enforced; "" when there are none. */
  readonly dry_run_decision: 'ALLOW' | 'DENY' | '';
  /** Dry-run policies and what each would have done, "namespace/name=DENY" joined with ",". */
  readonly dry_run_policies: string;
}

/**
 * Envoy's response flags of a request that no instance answered: no route, no cluster, no healthy instance, connection failure,
 * overflow, retries used up, fault, denied by the caller's own data plane; and of one that a rule's timeout ended before its answer.
 */
const NEVER_ARRIVED = /\b(?:NR|NC|UH|UF|UO|URX|UT|FI|UAEX)\b/;

/** Whether a caller's record with these `response_flags` may be the only one of its request. Both ends report one that arrived. */
export function neverArrived(flags: string): boolean {
  return flags !== '-' && NEVER_ARRIVED.test(flags);
}

/** A connection that was refused before a request could be read. */
export interface ConnectionRefusal {
  readonly timestamp: string;
  readonly kind: ConnectionRefusalKind;
  readonly reason: string;
  readonly destination_service: string;
  /** "ip:port" */
  readonly remote_address: string;
  readonly local_port: number;
  /** SPIFFE ID the peer presented, as the reporter read it; "" when none could be read. */
  readonly peer: string;
  /** SPIFFE ID of the workload that refused it, as its certificate proves. */
  readonly reported_by: string;
}

export type ConnectionRefusalKind =
  | 'plaintext_rejected'
  | 'certificate_rejected'
  | 'handshake_failed'
  | 'protocol_error'
  | 'policy_denied'
  | 'not_ready';
