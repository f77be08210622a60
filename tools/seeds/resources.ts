import { ENFORCED_IN_PROCESS, requiredFeatures, resourceKey } from '@rampart/core';
import { parseDocuments } from '@rampart/core/documents';
import { accepted, pending, refused } from './verdict.ts';
import type { SeedVerdict } from './verdict.ts';

/** Kinds of the seeds that core does not know yet. As soon as it does, it is asked instead. */
const unbuiltKinds: Readonly<Record<string, string>> = {
  ExternalSecret: 'ExternalSecret',
};

/** Feeds a resource to core's own reader, and asks whether a data plane can enforce all of it. */
export function judgeResource(text: string, place: { readonly file: string; readonly line: number }): SeedVerdict {
  const { resources, problems } = parseDocuments(text, { file: place.file });
  const errors = problems.filter(({ severity }) => severity === 'error');
  const kind = /^kind: (\w+)/m.exec(text)?.[1] ?? '';
  const unbuilt = unbuiltKinds[kind];
  if (unbuilt !== undefined && errors.some(({ code }) => code === 'UNKNOWN_KIND')) return pending(unbuilt);
  if (errors.length > 0) {
    return refused(
      errors
        .map((each) => `${each.file}:${place.line + each.line - 1}:${each.column} ${each.field} ${each.message}`)
        .join('; '),
    );
  }
  if (resources.length === 0) return refused('holds no resource');
  const enforced = new Set<string>(ENFORCED_IN_PROCESS);
  const waiting = resources
    .flatMap((resource) => requiredFeatures(resource))
    .filter(({ feature }) => !enforced.has(feature));
  if (waiting.length > 0)
    return pending([...new Set(waiting.map(({ feature, field }) => `${feature} (${field})`))].join(', '));
  return accepted(resources.map((resource) => resourceKey(resource)).join(', '));
}

/** Feeds rules for the registry to core's own reader, as a file of their own. */
export function judgeAcl(text: string, place: { readonly file: string; readonly line: number }): SeedVerdict {
  const { resources, problems } = parseDocuments(text, { file: 'rules.hcl' });
  if (problems.length > 0) {
    return refused(
      problems.map((each) => `${place.file}:${place.line + each.line - 1}:${each.column} ${each.message}`).join('; '),
    );
  }
  const rules = resources.flatMap((resource) => (resource.kind === 'RegistryAcl' ? resource.spec.rules : []));
  if (rules.length === 0) return refused('holds no rule');
  return accepted(rules.map(({ policy, identity = 'authenticated' }) => `${policy} for ${identity}`).join(', '));
}

/**
 * The drawing of a policy's structure: arrows are notes, and "ALLOW | DENY" stands for one policy each.
 * CUSTOM needs a provider, which the drawing leaves out and gets here, and has no fields for identities, which it loses here.
 */
export function judgeOutline(text: string, place: { readonly file: string; readonly line: number }): SeedVerdict[] {
  const spec = text.replaceAll(/\s*←──.*$/gmu, '');
  const actions =
    /^action: (.*)$/m
      .exec(spec)?.[1]
      ?.split('|')
      .map((action) => action.trim()) ?? [];
  return actions.map((action) => {
    const provider = action === 'CUSTOM' ? '\nprovider: { name: authorizer }' : '';
    const fields = action === 'CUSTOM' ? spec.replaceAll(/^ *(?:principals|namespaces): .*\n/gmu, '') : spec;
    const body = fields.replace(/^action: .*$/m, `action: ${action}${provider}`).replaceAll(/^(?=.)/gm, '  ');
    const header =
      'apiVersion: security.istio.io/v1beta1\nkind: AuthorizationPolicy\nmetadata:\n  name: outline\nspec:\n';
    const verdict = judgeResource(header + body, place);
    return { ...verdict, note: `action ${action}: ${verdict.note}` };
  });
}
