import { parseResource, RampartError, type Resource, type ResourceProblem, resourceKey } from '@rampart/core';
import { type EnforceabilityOptions, unenforceable } from './enforceability.ts';
import { formed, type FormedResource } from './formed-resource.ts';
import type { HeldResource } from './resource-set.ts';

/** What has to change for the set to be again what it was. */
export interface RollbackPlan {
  readonly put: readonly RestoredResource[];
  readonly remove: readonly HeldResource[];
  /** Why it cannot be done; empty when it can. */
  readonly problems: readonly ResourceProblem[];
}

export interface RestoredResource extends FormedResource {
  readonly before: HeldResource | undefined;
  readonly outcome: 'created' | 'configured';
}

type Past = readonly { readonly key: string; readonly json: string }[];

/** Compares the present set with a past one; what data planes cannot enforce (any more) is refused as when it is applied. */
export function planRollback(
  past: Past,
  present: readonly HeldResource[],
  options: EnforceabilityOptions,
): RollbackPlan {
  const held = new Map(present.map((resource) => [resource.key, resource]));
  const kept = new Set(past.map(({ key }) => key));
  const problems: ResourceProblem[] = [];
  const put: RestoredResource[] = [];
  for (const { key, json } of past) {
    const before = held.get(key);
    if (before?.json === json) {
      continue;
    }
    const resource = read(key, json);
    problems.push(...unenforceable(resource, options).map((objection) => problemOf(key, objection)));
    put.push({ ...formed(resource), before, outcome: before === undefined ? 'created' : 'configured' });
  }
  return { put, remove: present.filter(({ key }) => !kept.has(key)), problems };
}

function read(key: string, json: string): Resource {
  const parsed = parseResource(JSON.parse(json));
  if (parsed.ok && resourceKey(parsed.value) === key) {
    return parsed.value;
  }
  const why = parsed.ok
    ? 'its name is another'
    : parsed.problem.map(({ field, message }) => `${field}: ${message}`).join('; ');
  throw new RampartError('INVALID_RESOURCE', `${key} cannot be brought back as it was: ${why}`);
}

function problemOf(key: string, { code, message, field }: ReturnType<typeof unenforceable>[number]): ResourceProblem {
  return { severity: 'error', code, message, file: key, line: 0, column: 0, field };
}
