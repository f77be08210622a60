import { hostOf, QUICK } from './rules.ts';

/** Namespace of the callers whose rules change from one measurement to the next. */
export const SINGLE = 'single';

const HOST = hostOf(QUICK);
const HERE = `[{ destination: { host: ${HOST} } }]`;

interface Document {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly text: string;
}

function document(kind: string, spec: string, { namespace = SINGLE, api = 'networking.istio.io/v1' } = {}): Document {
  const name = 'feature';
  return {
    kind,
    namespace,
    name,
    text: `apiVersion: ${api}\nkind: ${kind}\nmetadata: { name: ${name}, namespace: ${namespace} }\nspec: ${spec}`,
  };
}
function route(more: string, destinations: string = HERE): Document {
  return document('VirtualService', `{ hosts: [${HOST}], exportTo: ["."], http: [{ ${more}route: ${destinations} }] }`);
}
function policy(settings: string, more = ''): Document {
  return document('DestinationRule', `{ host: ${HOST}, exportTo: ["."], trafficPolicy: ${settings}${more} }`);
}
/** Held by the service that is called. */
function ofService(kind: string, spec: string): Document {
  return document(kind, `{ selector: { matchLabels: { app: ${QUICK} } }, ${spec} }`, {
    namespace: 'default',
    api: 'rampart.dev/v1',
  });
}

/** What a mesh is asked for, one thing at a time. Nothing of it delays a request, doubles it, or keeps it from its answer. */
export const FEATURES: Readonly<Record<string, readonly Document[]>> = {
  match: [
    document(
      'VirtualService',
      `{ hosts: [${HOST}], exportTo: ["."], http: [
  { match: [{ headers: { x-canary: { exact: "yes" } } }, { uri: { regex: "/beta/[a-z]+" } }], route: ${HERE} },
  { match: [{ uri: { prefix: /api/ }, method: { regex: "GET|POST" } }], route: ${HERE} }] }`,
    ),
  ],
  weights: [
    route(
      '',
      `[{ destination: { host: ${HOST}, subset: a }, weight: 90 }, { destination: { host: ${HOST}, subset: b }, weight: 10 }]`,
    ),
    policy('{}', `, subsets: [{ name: a, labels: { app: ${QUICK} } }, { name: b, labels: { app: ${QUICK} } }]`),
  ],
  rewrite: [route('match: [{ uri: { prefix: /api/ } }], rewrite: { uri: /v2/ }, ')],
  headers: [
    route('headers: { request: { set: { x-route: stable }, remove: [x-debug] }, response: { add: { x-by: mesh } } }, '),
  ],
  timeout: [route('timeout: 10s, ')],
  retries: [route('retries: { attempts: 3, perTryTimeout: 5s, retryOn: "5xx,reset,connect-failure" }, ')],
  fault: [route('fault: { abort: { httpStatus: 503, percentage: { value: 0 } } }, ')],
  breaker: [
    policy('{ connectionPool: { tcp: { maxConnections: 1000 }, http: { http2MaxRequests: 1000, maxRetries: 100 } } }'),
  ],
  ejection: [policy('{ outlierDetection: { consecutive5xxErrors: 5, interval: 10s, baseEjectionTime: 30s } }')],
  'least-request': [policy('{ loadBalancer: { simple: LEAST_REQUEST } }')],
  'consistent-hash': [policy('{ loadBalancer: { consistentHash: { httpHeaderName: x-user } } }')],
  'stale-answers': [document('Fallback', `{ host: ${HOST}, stale: { maxAge: 10m } }`, { api: 'rampart.dev/v1' })],
  'rate-limit': [
    ofService('RateLimit', 'rules: [{ name: callers, key: [source.principal], requests: 1000000, unit: SECOND }]'),
  ],
  signature: [ofService('RequestSignaturePolicy', `signers: ["*"], maxAge: 1s, hosts: [${QUICK}]`)],
};

export type { Document as FeatureDocument };
