import {
  compileWorkloadPolicy,
  ENFORCED_IN_PROCESS,
  normalizePath,
  pathOf,
  RampartError,
  type Resource,
  type ServiceName,
  type Verdict,
} from '@rampart/core';

/** A request that nobody sent. */
export interface Question {
  /** SPIFFE ID, "namespace/service-account", or "" for a caller without identity. */
  readonly from: string;
  readonly to: ServiceName;
  readonly method: string;
  /** As it would be received, query included. */
  readonly path: string;
  /** Port the workload listens on; 0 for that of its instances, or 80. */
  readonly port: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly sourceIp: string;
  readonly host: string;
}

/** The mesh that files alone describe. */
export interface OfflineMesh {
  readonly resources: readonly Resource[];
  /** Labels of the called workload. */
  readonly labels: Readonly<Record<string, string>>;
  readonly trustDomain: string;
  readonly rootNamespace: string;
}

const DEFAULT_PORT = 80;

/** What a data plane with exactly these resources would decide, by the same engine; throws INVALID_ARGUMENT for a path that no data plane takes. */
export function evaluateOffline(question: Question, mesh: OfflineMesh): Verdict {
  const { to } = question;
  const policy = compileWorkloadPolicy({
    workload: { namespace: to.namespace, serviceAccount: to.name, labels: mesh.labels },
    resources: mesh.resources,
    rootNamespace: mesh.rootNamespace,
    trustDomain: mesh.trustDomain,
    capabilities: ENFORCED_IN_PROCESS,
  });
  const connection = policy.forConnection({
    principal: principalOf(question.from, mesh.trustDomain),
    sourceIp: question.sourceIp,
    destinationIp: '127.0.0.1',
    destinationPort: question.port === 0 ? DEFAULT_PORT : question.port,
    sni: '',
  });
  return connection.evaluate({
    method: question.method,
    path: normalized(question.path),
    host: question.host,
    token: undefined,
    remoteIp: question.sourceIp,
    header: (name) => question.headers[name],
  });
}

function principalOf(from: string, trustDomain: string): string | undefined {
  if (from === '') return undefined;
  if (from.startsWith('spiffe://')) return from.slice('spiffe://'.length);
  const [namespace, account] = from.split('/');
  return `${trustDomain}/ns/${namespace}/sa/${account}`;
}

function normalized(path: string): string {
  const result = normalizePath(path);
  if (result.ok) return pathOf(result.value);
  throw new RampartError(
    'INVALID_ARGUMENT',
    `--path ${JSON.stringify(path)} is refused by every data plane: ${result.problem}`,
  );
}
