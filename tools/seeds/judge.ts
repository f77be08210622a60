import { parseServiceName, SpiffeId } from '@rampart/core';
import type { Part } from './parts.ts';
import { judgeJson, judgeLoggedItems } from './records.ts';
import { REGISTRY_ALGORITHMS } from './registry-algorithms.ts';
import { judgeAcl, judgeOutline, judgeResource } from './resources.ts';
import { translateAuditSql } from '@rampart/server/storage';
import { judgeTokenCheck } from './service-tokens.ts';
import { accepted, pending, prose, refused } from './verdict.ts';
import type { SeedVerdict } from './verdict.ts';

/** Feeds a part to what must accept it. */
export async function judge(part: Part): Promise<SeedVerdict[]> {
  switch (part.kind) {
    case 'resource':
      return [judgeResource(part.text, part)];
    case 'policy-outline':
      return judgeOutline(part.text, part);
    case 'json':
      return [await judgeJson(part.text)];
    case 'sql':
      return [judgeSql(part.text)];
    case 'hcl':
      return [part.text.startsWith('path ') ? pending('secret policies (HCL)') : judgeAcl(part.text, part)];
    case 'alert-text':
      return [pending('alert rules')];
    case 'trace':
      return [pending('distributed traces')];
    case 'algorithm':
      return [await judgeAlgorithm(part.text)];
    case 'spiffe-ids':
      return [judgeIdentities(part.text.split('\n'))];
    case 'commands':
      return judgeCommands(part.text);
    case 'yaml':
      return [judgeYaml(part.text)];
    case 'python':
      return [await judgeTokenCheck(part.text)];
    case 'picture':
      return [prose('picture, flow or checklist')];
  }
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
  { pattern: /kubectl label pod .*quarantine=true/, answer: () => pending('quarantine') },
  { pattern: /vault kv put/, answer: () => pending('secrets (Vault-compatible API)') },
  { pattern: /\/api\/v1\/query/, answer: () => pending('metric queries (Prometheus API)') },
  {
    pattern: /delete secret|create secret|secretsmanager create-secret/,
    answer: () => pending('secrets: create and rotate'),
  },
];

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
