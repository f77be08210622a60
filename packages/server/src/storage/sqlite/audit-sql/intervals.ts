import { parseIntervalLiteral } from 'pgsql-ast-parser';
import type { Expr, Interval } from 'pgsql-ast-parser';
import { Untranslatable } from './untranslatable.ts';

/** A length of time: each unit of its own, as PostgreSQL keeps them. */
export type Steps = readonly (readonly [unit: 'years' | 'months' | 'days' | 'seconds', count: number])[];

const WEEKS = /(-?\d+(?:\.\d+)?)\s*(?:weeks?|w)\b/gi;
const AGO = /\bago\s*$/i;
const SECONDS_IN: Readonly<Record<string, number>> = { hours: 3600, minutes: 60, seconds: 1, milliseconds: 0.001 };
const DAYS_IN: Readonly<Record<string, number>> = { years: 365.25, months: 30, days: 1 };

/** `INTERVAL '1 hour'`, also times a number; undefined for anything else. Throws `Untranslatable` for one that says nothing. */
export function intervalOf(expression: Expr): Steps | undefined {
  if (expression.type === 'binary' && expression.op === '*') {
    const [left, right] = [numberOf(expression.left), numberOf(expression.right)];
    const steps = left === undefined ? intervalOf(expression.left) : intervalOf(expression.right);
    const factor = left ?? right;
    return steps === undefined || factor === undefined
      ? undefined
      : steps.map(([unit, count]) => [unit, count * factor]);
  }
  if (expression.type === 'unary' && expression.op === '-') {
    return intervalOf(expression.operand)?.map(([unit, count]) => [unit, -count]);
  }
  if (expression.type !== 'cast' || !('name' in expression.to) || expression.to.name !== 'interval') return undefined;
  if (expression.operand.type !== 'string')
    throw new Untranslatable("an interval is a text, such as INTERVAL '1 hour'");
  return stepsOf(expression.operand.value);
}

/** What comparisons of intervals go by: a month has thirty days then. */
export function secondsOf(steps: Steps): number {
  const days = steps.reduce((sum, [unit, count]) => sum + count * (DAYS_IN[unit] ?? 0), 0);
  return days * 86_400 + steps.reduce((sum, [unit, count]) => sum + (unit === 'seconds' ? count : 0), 0);
}

function stepsOf(text: string): Steps {
  const sign = AGO.test(text) ? -1 : 1;
  const weeks = [...text.matchAll(WEEKS)].reduce((sum, [, count]) => sum + Number(count), 0);
  const rest = text.replace(AGO, '').replaceAll(WEEKS, '').trim();
  let interval: Interval;
  try {
    interval = rest === '' && weeks !== 0 ? {} : parseIntervalLiteral(rest);
  } catch {
    throw new Untranslatable(`INTERVAL '${text}' is not understood: write it as INTERVAL '1 hour'`);
  }
  const parts = Object.entries(interval).filter((part): part is [string, number] => typeof part[1] === 'number');
  const seconds = parts.reduce((sum, [unit, count]) => sum + count * (SECONDS_IN[unit] ?? 0), 0);
  const ofUnit = (unit: 'years' | 'months' | 'days'): number => parts.find(([name]) => name === unit)?.[1] ?? 0;
  const all: Steps = [
    ['years', sign * ofUnit('years')],
    ['months', sign * ofUnit('months')],
    ['days', sign * (ofUnit('days') + 7 * weeks)],
    ['seconds', sign * seconds],
  ];
  return all.filter(([, count]) => count !== 0);
}

function numberOf(expression: Expr): number | undefined {
  return expression.type === 'integer' || expression.type === 'numeric' ? expression.value : undefined;
}
