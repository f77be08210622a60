/** Namespaces of callers, each with rules of its own about the services that all of them call. */
export const CALLERS = ['plain', 'turns', 'latency', 'all', 'single'] as const;

export type CallerNamespace = (typeof CALLERS)[number];

export const SLOW = 'orders-api';
export const QUICK = 'quick-api';

/** As callers of other namespaces name a service. */
export function hostOf(service: string): string {
  return `${service}.default.svc.cluster.local`;
}

function balancing(namespace: CallerNamespace, simple: string): string {
  return `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: balancing, namespace: ${namespace} }
spec:
  host: ${hostOf(SLOW)}
  exportTo: ["."]
  trafficPolicy: { loadBalancer: { simple: ${simple} } }`;
}

/** Everything that a rule can ask of a request that is answered well; what doubles or delays it is left out. */
const ALL = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: everything, namespace: all }
spec:
  host: ${hostOf(QUICK)}
  exportTo: ["."]
  trafficPolicy:
    loadBalancer: { simple: LEAST_REQUEST, warmup: { duration: 10s } }
    connectionPool:
      tcp: { maxConnections: 1000 }
      http: { http2MaxRequests: 1000, http1MaxPendingRequests: 1000, maxRetries: 100 }
    outlierDetection: { consecutive5xxErrors: 5, interval: 10s, baseEjectionTime: 30s, maxEjectionPercent: 50 }
  subsets:
  - { name: stable, labels: { app: ${QUICK} } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: everything, namespace: all }
spec:
  hosts: [${hostOf(QUICK)}]
  exportTo: ["."]
  http:
  - match: [{ headers: { x-canary: { exact: "yes" } } }, { uri: { prefix: /beta/ } }]
    route: [{ destination: { host: ${hostOf(QUICK)}, subset: stable } }]
  - match: [{ uri: { prefix: /api/ }, method: { regex: "GET|POST" } }]
    timeout: 10s
    retries: { attempts: 3, perTryTimeout: 5s, retryOn: "5xx,reset,connect-failure" }
    fault: { abort: { httpStatus: 503, percentage: { value: 0 } } }
    rewrite: { uri: /v2/ }
    headers:
      request: { set: { x-route: stable }, remove: [x-debug] }
      response: { remove: [server], add: { x-by: mesh } }
    route:
    - { destination: { host: ${hostOf(QUICK)}, subset: stable }, weight: 90 }
    - { destination: { host: ${hostOf(QUICK)} }, weight: 10 }`;

/** Mutual TLS everywhere, and the rules of each namespace; "plain" has none. */
export function trafficDocuments(): string {
  return [
    `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: STRICT } }`,
    balancing('turns', 'ROUND_ROBIN'),
    balancing('latency', 'LEAST_REQUEST'),
    ALL,
  ].join('\n---\n');
}
