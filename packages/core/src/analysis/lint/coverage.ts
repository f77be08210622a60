import type { AuthorizationCondition } from '../../resource/authorization/condition.ts';
import type { AuthorizationRule } from '../../resource/authorization/rule.ts';
import { listCovers, mayOverlap } from './patterns.ts';

type Lists = Readonly<Record<string, readonly string[] | undefined>>;

/** Whether every request that `narrow` matches is matched by `wide`; false also when that cannot be told. */
export function ruleCovers(wide: AuthorizationRule, narrow: AuthorizationRule): boolean {
  return (
    partCovers(
      wide.from?.map(({ source }) => source),
      narrow.from?.map(({ source }) => source),
    ) &&
    partCovers(
      wide.to?.map(({ operation }) => operation),
      narrow.to?.map(({ operation }) => operation),
    ) &&
    (wide.when ?? []).every((condition) => (narrow.when ?? []).some((other) => conditionCovers(condition, other)))
  );
}

function partCovers(wide: readonly object[] = [], narrow: readonly object[] = []): boolean {
  if (wide.length === 0) return true;
  return narrow.length > 0 && narrow.every((one) => wide.some((other) => fieldsCover({ ...other }, { ...one })));
}

function conditionCovers(wide: AuthorizationCondition, narrow: AuthorizationCondition): boolean {
  const lists = ({ values, notValues }: AuthorizationCondition): Lists => ({ values, notValues });
  return wide.key === narrow.key && fieldsCover(lists(wide), lists(narrow));
}

/** Negative fields whose values are compared as plain text, so that values of the positive field can be held against them. */
const PLAIN_NEGATIONS: Readonly<Record<string, string>> = {
  notMethods: 'methods',
  notPaths: 'paths',
  notPorts: 'ports',
};

/** Every field of the wide one must leave through what the narrow one lets through. */
function fieldsCover(wide: Lists, narrow: Lists): boolean {
  return Object.entries(wide).every(([field, values = []]) => {
    if (values.length === 0) return true;
    if (!field.startsWith('not')) return listCovers(values, narrow[field]);
    const excluded = narrow[field] ?? [];
    const wanted = narrow[PLAIN_NEGATIONS[field] ?? ''] ?? [];
    const isExcluded = excluded.length > 0 && listCovers(excluded, values);
    return isExcluded || (wanted.length > 0 && wanted.every((value) => !mayOverlap(values, value)));
  });
}
