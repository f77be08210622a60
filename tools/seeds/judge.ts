import { parseServiceName, SpiffeId } from '@rampart/core';
import type { Part, PartKind } from './parts.ts';
import { judgeJson, judgeLoggedItems } from './records.ts';
import { REGISTRY_ALGORITHMS } from './registry-algorithms.ts';
import { judgeIsolation, judgePoisoning } from './registry-scenes.ts';
import { judgeAcl, judgeOutline, judgeResource } from './resources.ts';
import { translateAuditSql } from '@rampart/server/storage';
import { judgeTokenCheck } from './service-tokens.ts';
import { accepted, pending, prose, refused } from './verdict.ts';
import type { SeedVerdict } from './verdict.ts';

type Judge = (part: Part) => SeedVerdict | readonly SeedVerdict[] | Promise<SeedVerdict>;

const JUDGES: Readonly<Record<PartKind, Judge>> = {
  resource: (part) => judgeResource(part.text, part),
  'policy-outline': (part) => judgeOutline(part.text, part),
  json: ({ text }) => judgeJson(text),
  sql: ({ text }) => judgeSql(text),
  hcl: (part) => (part.text.startsWith('path ') ? pending('secret policies (HCL)') : judgeAcl(part.text, part)),
  'alert-text': () => pending('alert rules'),
  trace: () => pending('distributed traces'),
  algorithm: ({ text }) => judgeAlgorithm(text),
  isolation: ({ text }) => judgeIsolation(text),
  poisoning: ({ text }) => judgePoisoning(text),
  'spiffe-ids': ({ text }) => judgeIdentities(text.split('\n')),
  commands: ({ text }) => judgeCommands(text),
  yaml: ({ text }) => judgeYaml(text),
  python: ({ text }) => judgeTokenCheck(text),
  picture: () => prose('picture, flow or checklist'),
};

/** Feeds a part to what must accept it. */
export async function judge(part: Part): Promise<readonly SeedVerdict[]> {
  return [await JUDGES[part.kind](part)].flat();
}

/** Questions to the audit record are put to the embedded store as they are printed. */
function judgeSql(text: string): SeedVerdict {
  const translated = translateAuditSql(text, 0);
  return translated.ok ? accepted('question to the audit record') : refused(translated.problem.message);
}

function judgeAlgorithm(text: string): Promise<SeedVerdict> {
  const name = /^ALGORITHM (\w+)/.exec(text)?.[1] ?? '';
  return REGISTRY_ALGORITHMS[name]?.(text) ?? Promise.resolve(refused(`no part of the product does ${name}`));
}

function judgeIdentities(identities: readonly string[]): SeedVerdict {
  const problems = identities.flatMap((text) => {
    const id = SpiffeId.parse(text);
    return id.ok ? [] : [`${text}: ${id.problem}`];
  });
  return problems.length === 0 ? accepted(`SPIFFE IDs: ${identities.join(', ')}`) : refused(problems.join('; '));
}

/** YAML that is no resource. */
function judgeYaml(text: string): SeedVerdict {
  if (/^groups:/m.test(text) && /- alert:/.test(text)) return pending('alert rules');
  if (/^- rule:/m.test(text)) return pending('runtime detection rules');
  if (/^env:/m.test(text)) return pending("secrets in a service's environment");
  if (/^\s*uses: /m.test(text)) return prose('workflow of a build service');
  const items = [...text.matchAll(/^- ([A-Z][^:\n]*)$/gm)].map(([, item = '']) => item.trim());
  return items.length > 0 ? judgeLoggedItems(items) : refused('no part of the product knows this YAML');
}

/** Commands of other products that ours has an answer to; what is left drives a cluster or a build, and is prose. */
const answeredCommands: readonly {
  readonly pattern: RegExp;
  readonly answer: (match: RegExpExecArray) => SeedVerdict;
}[] = [
  { pattern: /istioctl authn tls-check (\S+)/, answer: ([, host = '']) => judgeHost(host) },
  { pattern: /kubectl label pod .*quarantine=true/, answer: judgeQuarantine },
  { pattern: /vault kv put/, answer: () => pending('secrets (Vault-compatible API)') },
  { pattern: /\/api\/v1\/query/, answer: () => pending('metric queries (Prometheus API)') },
  {
    pattern: /delete secret|create secret|secretsmanager create-secret/,
    answer: () => pending('secrets: create and rotate'),
  },
];

/** What we have for a label that a policy of the cluster looks for: a kind of its own, which data planes enforce. */
function judgeQuarantine([commands]: readonly string[]): SeedVerdict {
  const document = [
    'apiVersion: rampart.dev/v1',
    'kind: Quarantine',
    'metadata: { name: pod, namespace: istio-system }',
    'spec: { identities: [observatory/observatory-backend] }',
  ];
  return judgeResource(document.join('\n'), { file: commands ?? '', line: 1 });
}

function judgeCommands(text: string): SeedVerdict[] {
  const answers = answeredCommands.flatMap(({ pattern, answer }) => {
    const match = pattern.exec(text);
    return match === null ? [] : [answer(match)];
  });
  return answers.length > 0 ? answers : [prose('commands for a cluster, a build or a machine')];
}

function judgeHost(host: string): SeedVerdict {
  const service = parseServiceName(host, 'default');
  if (service === undefined) return refused(`tls-check does not know ${host}`);
  return accepted(`tls-check of ${service.name} in ${service.namespace}`);
}
