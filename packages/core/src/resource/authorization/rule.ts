import { readConditions, type AuthorizationCondition } from './condition.ts';
import { OPERATION_FIELDS, readOperation, type AuthorizationOperation } from './operation.ts';
import { readSource, SOURCE_FIELDS, type AuthorizationSource } from './source.ts';
import type { Cursor, Reader } from '../cursor.ts';

/** One way to match: any `from`, and any `to`, and every `when`; what is absent asks nothing. */
export interface AuthorizationRule {
  readonly from?: readonly { readonly source: AuthorizationSource }[];
  readonly to?: readonly { readonly operation: AuthorizationOperation }[];
  readonly when?: readonly AuthorizationCondition[];
}

const MAX_RULES = 512;

export function readRules(at: Cursor): AuthorizationRule[] | undefined {
  const rules = at.list(readRule, 'a list of rules');
  if (rules === undefined) return undefined;
  const { length } = at.items() ?? [];
  return length > MAX_RULES ? at.error(`must hold at most ${MAX_RULES} rules, holds ${length}`) : rules;
}

function readRule(at: Cursor): AuthorizationRule | undefined {
  return at.fields<AuthorizationRule>({
    from: readFrom,
    to: readTo,
    when: readConditions,
  });
}

const readFrom = entries<'source', AuthorizationSource>('source', { read: readSource, inside: SOURCE_FIELDS });
const readTo = entries<'operation', AuthorizationOperation>('operation', {
  read: readOperation,
  inside: OPERATION_FIELDS,
});

interface EntryParts<T> {
  readonly read: Reader<T>;
  /** Fields that stand in it. */
  readonly inside: readonly string[];
}

function entries<Name extends string, T extends object>(
  name: Name,
  { read, inside }: EntryParts<T>,
): Reader<Record<Name, T>[]> {
  const readEntry = (at: Cursor): Record<Name, T> | undefined => {
    const bare = bareFields(at, inside);
    if (bare.length > 0)
      return at.error(`needs ${name} around its fields: write ${name}: { ${bare.join(': …, ')}: … }`);
    const fields = at.fields<Record<string, object>>({ [name]: read });
    if (fields === undefined) return undefined;
    if (at.child(name).value === undefined) return at.error(`needs ${name === 'operation' ? 'an' : 'a'} ${name}`);
    return fields[name] === undefined ? undefined : (fields as Record<Name, T>);
  };
  return (at) => {
    const list = at.list(readEntry);
    if (list === undefined || at.items()?.length !== 0) return list;
    return at.error(`must hold at least one ${name}, or be left out to mean any`);
  };
}

/** The fields of an entry that were written without the object that they stand in. */
function bareFields({ value }: Cursor, inside: readonly string[]): string[] {
  const keys = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  return keys.every((key) => inside.includes(key)) ? keys : [];
}
