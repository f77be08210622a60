import type { Cursor } from '../cursor.ts';
import { labelNameProblem, labelValueProblem } from '../metadata/label-syntax.ts';

export type LabelOperator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';

export interface LabelExpression {
  readonly key: string;
  readonly operator: LabelOperator;
  /** For In and NotIn, never empty. */
  readonly values?: readonly string[];
}

/** All of it must hold; an empty selector selects everything (Kubernetes `meta/v1 LabelSelector`). */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly LabelExpression[];
}

const OPERATORS: readonly LabelOperator[] = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

export function readLabelSelector(at: Cursor): LabelSelector | undefined {
  return at.fields<LabelSelector>({ matchLabels: readMatchLabels, matchExpressions: readExpressions });
}

function readMatchLabels(at: Cursor): Record<string, string> | undefined {
  const keys = at.keys('an object of label names and values');
  if (keys === undefined) return undefined;
  const labels: [string, string][] = [];
  for (const key of keys) {
    const child = at.child(key);
    const problem = labelNameProblem(key);
    if (problem !== undefined) child.misplaced(problem);
    const value = readLabelValue(child);
    if (value !== undefined) labels.push([key, value]);
  }
  return Object.fromEntries(labels);
}

function readExpressions(at: Cursor): LabelExpression[] | undefined {
  return at.list(readExpression, 'a list of label expressions');
}

function readExpression(at: Cursor): LabelExpression | undefined {
  const fields = at.fields<LabelExpression>({
    key: readKey,
    operator: (operator) => operator.word(OPERATORS),
    values: (values) => values.list(readLabelValue, 'a list of label values'),
  });
  if (fields === undefined) return undefined;
  for (const required of ['key', 'operator'] as const) {
    if (at.child(required).value === undefined) at.error(`needs ${required === 'key' ? 'a' : 'an'} ${required}`);
  }
  const { key, operator, values } = fields;
  if (key === undefined || operator === undefined) return undefined;
  return operator === 'In' || operator === 'NotIn'
    ? withValues(at, { key, operator, values: values ?? [] })
    : withoutValues(at, { key, operator });
}

function withValues(at: Cursor, expression: LabelExpression): LabelExpression | undefined {
  return hasNone(at.child('values').value) ? at.error(`operator ${expression.operator} needs values`) : expression;
}

function withoutValues(at: Cursor, expression: LabelExpression): LabelExpression | undefined {
  const values = at.child('values');
  if (hasNone(values.value)) return expression;
  return values.misplaced(`has no meaning for operator ${expression.operator}: remove it`);
}

function hasNone(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0);
}

function readKey(at: Cursor): string | undefined {
  const key = at.text();
  const problem = key === undefined ? undefined : labelNameProblem(key);
  return problem === undefined ? key : at.error(problem);
}

function readLabelValue(at: Cursor): string | undefined {
  const value = at.textOrEmpty();
  const problem = value === undefined ? undefined : labelValueProblem(value);
  return problem === undefined ? value : at.error(problem);
}
