import { analyze, type AnalyzedMeshParts, type Finding, type KnownWorkload } from '../analysis.ts';
import { resourcesOf } from './documents.ts';

/** What is known beside the resources. */
export type LintOptions = Partial<Pick<AnalyzedMeshParts, 'workloads' | 'identities' | 'state' | 'trustDomain'>>;

/** What a lint is to find, and what it is to leave alone. */
export interface LintCase {
  readonly code: string;
  /** Resources, each as "Kind namespace/name {spec}" on a line of its own. */
  readonly fires: string;
  /** What the finding says, and where. */
  readonly says: RegExp;
  readonly field?: string;
  readonly silent: string;
  /** Beside the resources, for both. */
  readonly options?: LintOptions;
  readonly silentOptions?: LintOptions;
}

/** The caller of most cases. */
export const WEB = 'cluster.local/ns/shop/sa/web';

/** A policy of one rule (or several, with commas between), as a line for `documentsOf`. */
export function ruleFor(rule: string, name = 'one', action = 'ALLOW'): string {
  return `AuthorizationPolicy shop/${name} {action: ${action}, rules: [${rule}]}`;
}

const GROUPS: Readonly<Record<string, string>> = {
  PeerAuthentication: 'security.istio.io/v1',
  AuthorizationPolicy: 'security.istio.io/v1',
  RequestAuthentication: 'security.istio.io/v1',
  NetworkPolicy: 'networking.k8s.io/v1',
  Namespace: 'v1',
  MeshConfig: 'rampart.dev/v1',
  ServiceTokenPolicy: 'rampart.dev/v1',
  VirtualService: 'networking.istio.io/v1',
  DestinationRule: 'networking.istio.io/v1',
  FederatedTrustDomain: 'rampart.dev/v1',
};

/** One resource a line: "Kind namespace/name [key=value] {spec}": labels for a Namespace, annotations for everything else. */
export function documentsOf(lines: string): string {
  return lines
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const [, kind = '', namespace, name, pairs, spec] =
        /^(\w+) (?:([\w-]+)\/)?([\w-]+)(?: \[(.*?)\])?(?: (\{.*))?$/.exec(line) ?? [];
      const [key = '', value = ''] = (pairs ?? '').split('=');
      const metadata = {
        name,
        ...(namespace === undefined ? {} : { namespace }),
        ...(pairs === undefined ? {} : { [kind === 'Namespace' ? 'labels' : 'annotations']: { [key]: value } }),
      };
      return [
        `apiVersion: ${GROUPS[kind]}`,
        `kind: ${kind}`,
        `metadata: ${JSON.stringify(metadata)}`,
        ...(spec === undefined ? [] : [`spec: ${spec}`]),
      ].join('\n');
    })
    .join('\n---\n');
}

/** "shop/orders": a workload of that name that serves HTTP on port 8080. */
export function workload(path: string, more: Partial<KnownWorkload> = {}): KnownWorkload {
  const [namespace = '', name = ''] = path.split('/');
  return {
    namespace,
    serviceAccount: name,
    labels: { app: name },
    service: { name, namespace },
    port: 8080,
    protocol: 'http',
    principal: `cluster.local/ns/${namespace}/sa/${name}`,
    ...more,
  };
}

/** What a lint says of resources that are written as for `documentsOf`. */
export function findingsOf(text: string, code: string, options: LintOptions = {}): readonly Finding[] {
  const parts = { rootNamespace: 'istio-system', trustDomain: 'cluster.local', workloads: undefined, ...options };
  const { findings } = analyze({ ...parts, resources: resourcesOf(documentsOf(text)) });
  return findings.filter((finding) => finding.code === code);
}
