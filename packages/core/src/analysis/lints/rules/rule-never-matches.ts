import type { AnalyzedMesh, PlacedRule } from '../../lint/analyzed-mesh.ts';
import { contradictions } from '../../lint/contradiction.ts';
import type { Lint } from '../../lint/lint.ts';
import { impossibleValues, type Trouble } from '../../lint/impossible-values.ts';

export const ruleNeverMatches: Lint = {
  code: 'RAMP3002',
  name: 'rule-never-matches',
  severity: 'error',
  title: 'no request can ever match a rule, or one of its alternatives',
  find: (mesh) =>
    mesh.rules.flatMap((placed) =>
      troubles(placed, mesh).map((trouble) => ({
        resource: placed.policy,
        field: trouble.field,
        message: trouble.message,
      })),
    ),
};

function troubles(placed: PlacedRule, mesh: AnalyzedMesh): readonly Trouble[] {
  const { rule, at } = placed;
  return [...impossibleValues(rule, at, mesh.settings), ...contradictions(rule, at), ...deafPorts(placed, mesh)];
}

/** Ports that no workload of the policy listens on. */
function deafPorts({ policy, rule, at }: PlacedRule, mesh: AnalyzedMesh): readonly Trouble[] {
  const selected = mesh.servingBy(policy);
  if (selected.length === 0 || selected.some(({ port }) => port === 0)) return [];
  const open = new Set(selected.map(({ port }) => String(port)));
  return (rule.to ?? []).flatMap(({ operation: { ports = [] } }, index) => {
    if (ports.length === 0 || ports.some((port) => open.has(port))) return [];
    const message = `no workload of this policy listens on ${ports.join(' or ')}, but on ${[...open].join(' and ')}: ports are those of the workload, not those callers dial`;
    return [{ field: `${at}.to[${index}].operation.ports`, message }];
  });
}
