import {
  compileWorkloadPolicy,
  ENFORCED_IN_PROCESS,
  type CompileInput,
  type ConnectionAttributes,
  type PolicyFeature,
  type RequestAttributes,
  type Resource,
  type TokenFacts,
  type Verdict,
  type WorkloadPolicy,
} from '../index.ts';

/** A call as a test writes it: what is left out has an ordinary value; `principal: null` is plaintext. */
export interface Call {
  readonly principal?: string | null;
  readonly sourceIp?: string;
  readonly destinationIp?: string;
  readonly port?: number;
  readonly sni?: string;
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly token?: TokenFacts;
  /** That of the peer where absent. */
  readonly remoteIp?: string;
}

export const FRONTEND = 'cluster.local/ns/web/sa/frontend';

export function connectionOf(call: Call): ConnectionAttributes {
  return {
    principal: call.principal === null ? undefined : (call.principal ?? FRONTEND),
    sourceIp: call.sourceIp ?? '10.0.0.1',
    destinationIp: call.destinationIp ?? '10.0.0.2',
    destinationPort: call.port ?? 8080,
    sni: call.sni ?? '',
  };
}

export function requestOf(call: Call): RequestAttributes {
  const { headers = {}, path = '/' } = call;
  return {
    method: call.method ?? 'GET',
    path: path.replace(/[?].*$/, ''),
    host: call.host ?? 'orders-api',
    token: call.token,
    remoteIp: call.remoteIp ?? connectionOf(call).sourceIp,
    header: (name) => (name === ':path' ? path : Object.hasOwn(headers, name) ? headers[name] : undefined),
  };
}

/** A data plane that leaves nothing to be refused but what nobody can decide. */
export const EVERYTHING: readonly PolicyFeature[] = [
  ...ENFORCED_IN_PROCESS,
  'authorization.custom',
  'authorization.jwt',
  'authorization.remote-ip',
];

/** The workload of most tests: shop/orders with label app=orders. */
export function compile(resources: readonly Resource[], options: Partial<CompileInput> = {}): WorkloadPolicy {
  return compileWorkloadPolicy({
    workload: { namespace: 'shop', serviceAccount: 'orders', labels: { app: 'orders', tier: 'api' } },
    resources,
    rootNamespace: 'istio-system',
    trustDomain: 'cluster.local',
    ...options,
  });
}

export function judge(resources: readonly Resource[], call: Call, options: Partial<CompileInput> = {}): Verdict {
  return compile(resources, options).forConnection(connectionOf(call)).evaluate(requestOf(call));
}

export function judgeTcp(resources: readonly Resource[], call: Call, options: Partial<CompileInput> = {}): Verdict {
  return compile(resources, options).forConnection(connectionOf(call)).evaluateTcp();
}
