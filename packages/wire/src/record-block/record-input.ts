/**
 * What a data plane knows of one request when it is over. Flat and mutable, so that the request path can fill the same
 * object again and again; `RecordBlockWriter.append` keeps no reference to it.
 */
export interface RecordInput {
  /** Unix milliseconds; fractions are dropped. */
  startedAt: number;
  durationMicros: number;
  /** 0 when no response was begun. */
  responseCode: number;
  /** Body bytes. */
  bytesReceived: number;
  bytesSent: number;
  policyRevision: number;
  /** SPIFFE ID of the verified peer; "" when the caller has none. */
  sourcePrincipal: string;
  /** "orders-api.default.svc" */
  destinationService: string;
  method: string;
  /** Path and query as received; more than 8,192 characters are cut and marked. */
  path: string;
  /** Envoy's response flags. */
  responseFlags: string;
  authority: string;
  /** "ip:port"; "" when no instance was chosen. */
  upstreamHost: string;
  forwardedFor: string;
  /** More than 1,024 characters are cut and marked. */
  userAgent: string;
  decision: 'ALLOW' | 'DENY';
  /** "namespace/name"; "" when no policy decided. */
  policy: string;
  sourceWorkload: string;
  destinationPrincipal: string;
  /** "HTTP/1.1" */
  protocol: string;
  /** "TLSv1.3"; "" for plaintext. */
  tlsVersion: string;
  reporter: 'source' | 'destination';
  /** "iss/sub"; "" when there is no verified end-user token. */
  jwtPrincipal: string;
  reason: string;
  /** AUDIT policies that matched, "namespace/name" joined with ","; "" when none did. */
  auditPolicies: string;
  /** What would have been decided with the dry-run policies enforced; "" when there are none. */
  dryRunDecision: 'ALLOW' | 'DENY' | '';
  /** Dry-run policies and what each would have done, "namespace/name=DENY" joined with ",". */
  dryRunPolicies: string;
  /** 16 bytes on the wire when it is a lower-case UUID, otherwise as it is; "" when it is the trace id. */
  requestId: string;
  /** 32 lower-case hex digits, or "". */
  traceId: string;
  /** 16 lower-case hex digits, or "". */
  spanId: string;
  /** 16 hex digits, or "". */
  parentSpanId: string;
}

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
    auditPolicies: '',
    dryRunDecision: '',
    dryRunPolicies: '',
    requestId: '',
    traceId: '',
    spanId: '',
    parentSpanId: '',
  };
}
