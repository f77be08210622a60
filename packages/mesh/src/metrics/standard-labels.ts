import type { Labels } from './families.ts';

/** What nobody knows is called so in Istio's metrics. */
const UNKNOWN = 'unknown';

/** One end of a request, as Istio's labels tell it; "" where it is not known. */
export interface MetricEnd {
  readonly workload: string;
  readonly namespace: string;
  /** SPIFFE ID. */
  readonly principal: string;
  /** Of its labels `app` and `version`. */
  readonly app: string;
  readonly version: string;
}

/** A service that is called. */
export interface MetricService {
  /** "orders-api.default.svc" */
  readonly host: string;
  readonly name: string;
  readonly namespace: string;
}

export interface StandardLabels {
  readonly reporter: 'source' | 'destination';
  readonly source: MetricEnd;
  readonly destination: MetricEnd;
  readonly service: MetricService;
  readonly protocol: 'http' | 'grpc' | 'tcp';
  /** What the destination saw; the source does not say (Istio). */
  readonly security: 'mutual_tls' | 'none' | 'unknown';
  readonly flag: string;
}

/** Istio's labels of connections and requests, in its order (https://istio.io/latest/docs/reference/config/metrics/). */
export function standardLabels(labels: StandardLabels): Labels {
  const { source, destination, service } = labels;
  return [
    ['reporter', labels.reporter],
    ...endLabels('source', source),
    ...endLabels('destination', destination),
    ['destination_service', said(service.host)],
    ['destination_service_name', said(service.name)],
    ['destination_service_namespace', said(service.namespace)],
    ['request_protocol', labels.protocol],
    ['response_flags', labels.flag],
    ['connection_security_policy', labels.security],
  ];
}

function endLabels(end: 'source' | 'destination', { workload, namespace, principal, app, version }: MetricEnd): Labels {
  return [
    [`${end}_workload`, said(workload)],
    [`${end}_workload_namespace`, said(namespace)],
    [`${end}_principal`, said(principal)],
    [`${end}_app`, said(app)],
    [`${end}_version`, said(version)],
    // Istio takes the label `app` for it where there is no canonical name of its own.
    [`${end}_canonical_service`, said(app === '' ? workload : app)],
    [`${end}_canonical_revision`, version === '' ? 'latest' : version],
  ];
}

function said(value: string): string {
  return value === '' ? UNKNOWN : value;
}
