import type { AuthorizationPolicy } from '../../resource/resource.ts';
import type { SuggestedPolicies } from '../suggest.ts';
import type { SuggestedOperation, SuggestedRule } from './operations.ts';

/** The policies as YAML that can be applied, with comments that say how many requests each rule comes from. */
export function suggestionDocument(suggestion: SuggestedPolicies, since: number): string {
  const { policies, rules } = suggestion;
  let next = 0;
  const documents = policies.map((policy) => {
    const own = rules.slice(next, next + (policy.spec.rules ?? []).length);
    next += own.length;
    return [...headOf(policy), ...own.flatMap(ruleLines)].join('\n');
  });
  return `${[...introduction(suggestion, since), documents.join('\n---\n')].join('\n')}\n`;
}

function introduction({ service, requests, leftOut }: SuggestedPolicies, since: number): string[] {
  const { plaintext, denied, unwritable } = leftOut;
  return [
    `# Who may call ${service.name}.${service.namespace}: what was allowed since ${new Date(Math.max(0, since)).toISOString()}, and nothing else.`,
    `# ${counted(requests)} over mutual TLS. Left out: ${counted(denied)} denied, ${counted(plaintext)} without identity, ${counted(unwritable)} with "*", "{" or "}" in path or method.`,
  ];
}

function headOf({ apiVersion, kind, metadata, spec }: AuthorizationPolicy): string[] {
  return [
    `apiVersion: ${apiVersion}`,
    `kind: ${kind}`,
    'metadata:',
    `  name: ${metadata.name}`,
    `  namespace: ${word(metadata.namespace)}`,
    'spec:',
    '  selector:',
    '    matchLabels:',
    ...Object.entries(spec.selector?.matchLabels ?? {}).map(
      ([name, value]) => `      ${quoted(name)}: ${quoted(value)}`,
    ),
    `  action: ${spec.action}`,
    '  rules:',
  ];
}

function ruleLines({ principals, operations, requests }: SuggestedRule): string[] {
  return [
    `  # ${counted(requests)}`,
    '  - from:',
    '    - source:',
    ...listLines('principals', principals),
    '    to:',
    ...operations.flatMap(operationLines),
  ];
}

function operationLines({ methods, paths, notPaths, requests }: SuggestedOperation): string[] {
  return [
    `    # ${counted(requests)}`,
    '    - operation:',
    `        methods: [${methods.map(quoted).join(', ')}]`,
    ...listLines('paths', paths),
    ...(notPaths.length === 0 ? [] : listLines('notPaths', notPaths)),
  ];
}

function listLines(name: string, values: readonly string[]): string[] {
  return [`        ${name}:`, ...values.map((value) => `        - ${quoted(value)}`)];
}

/** What YAML 1.1 or 1.2 reads as something else than text, of what a namespace may be called. */
const NO_TEXT = /^(?:\d.*|y|n|yes|no|on|off|true|false|null)$/;

function word(namespace: string): string {
  return NO_TEXT.test(namespace) ? quoted(namespace) : namespace;
}

/** Every JSON string is a YAML string (YAML 1.2.2 §1.2). */
function quoted(text: string): string {
  return JSON.stringify(text);
}

function counted(requests: number): string {
  return `${requests} ${requests === 1 ? 'request' : 'requests'}`;
}
