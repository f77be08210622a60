import { DENIES_TCP } from '../../../resource/authorization/deny-warning.ts';
import { warningsOf } from '../../../resource/warnings.ts';
import type { AnalyzedMesh } from '../../lint/analyzed-mesh.ts';
import { impossibleValues } from '../../lint/impossible-values.ts';
import type { Lint } from '../../lint/lint.ts';

export const doubtfulField: Lint = {
  code: 'RAMP3007',
  name: 'doubtful-field',
  severity: 'warning',
  title: 'a field is allowed and does something else than it seems to',
  find: (mesh) => {
    const found = impossibleFields(mesh);
    return mesh.facts.resources.flatMap((resource) =>
      warningsOf(resource, mesh.facts.rootNamespace)
        // Where the workloads are known, RAMP3004 says which of them it is about.
        .filter(({ message }) => message !== DENIES_TCP || mesh.workloads === undefined)
        .filter(({ field }) => found.get(resource)?.has(field) !== true)
        .map((warning) => ({ resource, ...warning })),
    );
  },
};

/** Fields that RAMP3002 is about already. */
function impossibleFields({ rules, settings }: AnalyzedMesh): ReadonlyMap<object, ReadonlySet<string>> {
  const found = new Map<object, Set<string>>();
  for (const { policy, rule, at } of rules) {
    const fields = found.get(policy) ?? new Set<string>();
    for (const { field } of impossibleValues(rule, at, settings)) fields.add(field);
    found.set(policy, fields);
  }
  return found;
}
