import { parseDocuments } from '../documents.ts';
import { describeProblem, type AuthorizationPolicy, type PeerAuthentication, type Resource } from '../index.ts';

/** Resources of a text that must be right. */
export function resourcesOf(text: string): Resource[] {
  const { resources, problems } = parseDocuments(text, { file: 'test.yaml' });
  const errors = problems.filter((problem) => problem.severity === 'error');
  if (errors.length > 0) throw new Error(errors.map(describeProblem).join('\n'));
  return resources;
}

/** Errors of a text, as "line:column field: message". */
export function errorsOf(text: string): string[] {
  const { problems } = parseDocuments(text, { file: '' });
  return problems.filter((problem) => problem.severity === 'error').map((problem) => describeProblem(problem).slice(1));
}

export interface PolicyOptions {
  readonly name?: string;
  readonly namespace?: string;
  readonly action?: AuthorizationPolicy['spec']['action'];
  readonly selector?: Record<string, string>;
  readonly dryRun?: boolean;
  readonly createdAt?: number;
}

/** An AuthorizationPolicy from its rules as they stand in YAML (flow or block); undefined for a policy without rules. */
export function policyOf(rules: string | undefined, options: PolicyOptions = {}): AuthorizationPolicy {
  const { name = 'policy', namespace = 'shop', action = 'ALLOW', selector, dryRun = false, createdAt } = options;
  const spec = [
    `  action: ${action}`,
    ...(selector === undefined ? [] : [`  selector: {matchLabels: ${JSON.stringify(selector)}}`]),
    ...(rules === undefined ? [] : ['  rules:', ...rules.split('\n').map((line) => `    ${line}`)]),
  ].join('\n');
  const [resource] = resourcesOf(
    [
      'apiVersion: security.istio.io/v1',
      'kind: AuthorizationPolicy',
      `metadata: {name: ${name}, namespace: ${namespace}${dryRun ? ', annotations: {istio.io/dry-run: "true"}' : ''}}`,
      'spec:',
      spec,
    ].join('\n'),
  );
  if (resource?.kind !== 'AuthorizationPolicy') throw new Error('an AuthorizationPolicy was expected');
  return createdAt === undefined ? resource : { ...resource, metadata: { ...resource.metadata, createdAt } };
}

/** A PeerAuthentication from its spec in YAML flow form. */
export function peerAuthenticationOf(
  spec: string,
  { name = 'default', namespace = 'shop', createdAt }: Pick<PolicyOptions, 'name' | 'namespace' | 'createdAt'> = {},
): PeerAuthentication {
  const [resource] = resourcesOf(
    [
      'apiVersion: security.istio.io/v1',
      'kind: PeerAuthentication',
      `metadata: {name: ${name}, namespace: ${namespace}}`,
      `spec: ${spec}`,
    ].join('\n'),
  );
  if (resource?.kind !== 'PeerAuthentication') throw new Error('a PeerAuthentication was expected');
  return createdAt === undefined ? resource : { ...resource, metadata: { ...resource.metadata, createdAt } };
}
