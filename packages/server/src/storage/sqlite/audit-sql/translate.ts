import { fail, ok, RampartError } from '@rampart/core';
import type { Result } from '@rampart/core';
import { astMapper, parse, parseIntervalLiteral, toSql } from 'pgsql-ast-parser';
import type { Expr, ExprBinary, ExprCall, ExprCast, Interval, Statement } from 'pgsql-ast-parser';

const LONGEST = 20_000;
const RECORDED_TIME = '%Y-%m-%dT%H:%M:%fZ';
const SELECTS: ReadonlySet<string> = new Set(['select', 'union', 'union all', 'with']);
/** Types whose values are text here anyway. */
const TEXT_TYPES: ReadonlySet<string> = new Set([
  'text',
  'varchar',
  'timestamp',
  'timestamptz',
  'timestamp with time zone',
]);
/** For `date_trunc`: the format of a time cut off after that unit. */
const CUT_AFTER: Readonly<Record<string, string>> = {
  minute: '%Y-%m-%dT%H:%M:00.000Z',
  hour: '%Y-%m-%dT%H:00:00.000Z',
  day: '%Y-%m-%dT00:00:00.000Z',
  month: '%Y-%m-01T00:00:00.000Z',
  year: '%Y-01-01T00:00:00.000Z',
};

/**
 * A question in the SQL of PostgreSQL in that of SQLite. Times are text in the form of the record (RFC 3339, milliseconds, UTC),
 * which sorts as they do. INVALID_ARGUMENT for anything but one SELECT, and for what has no counterpart.
 */
export function translate(sql: string, now: number): Result<string, RampartError> {
  if (sql.length > LONGEST) return refuse(`a question has at most ${LONGEST} characters`);
  if (sql.trim() === '') return refuse('ask a question: one SELECT');
  let statements: Statement[];
  try {
    statements = parse(sql);
  } catch (error) {
    return refuse(wordsOf(error));
  }
  const [statement, ...more] = statements;
  if (statement === undefined || more.length > 0) return refuse('ask one question at a time: one SELECT');
  if (!SELECTS.has(statement.type)) return refuse(`only SELECT is answered, not ${statement.type.toUpperCase()}`);
  try {
    const mapped = mapperFor(new Date(now).toISOString()).statement(statement);
    return mapped === null || mapped === undefined
      ? refuse('nothing is left of the question')
      : ok(toSql.statement(mapped));
  } catch (error) {
    return error instanceof Untranslatable
      ? refuse(error.message)
      : refuse('the question cannot be put to the embedded store');
  }
}

class Untranslatable extends Error {}

function mapperFor(now: string): ReturnType<typeof astMapper> {
  const nowText: Expr = { type: 'string', value: now };
  return astMapper((map) => ({
    binary: (expression) => {
      const moved = movedTime(expression);
      if (moved !== undefined) return map.expr(moved);
      return map.super().binary(withoutCase(expression));
    },
    call: (expression) => (isNow(expression) ? nowText : map.super().call(cutTime(expression))),
    valueKeyword: (keyword) => (keyword.keyword === 'current_timestamp' ? nowText : map.super().valueKeyword(keyword)),
    cast: (expression) => map.expr(uncast(expression)),
  }));
}

function isNow({ function: { name } }: ExprCall): boolean {
  return name === 'now';
}

/** `time - INTERVAL '1 hour'`, or `+`, as a call of strftime. */
function movedTime({ op, left, right }: ExprBinary): Expr | undefined {
  if (op !== '-' && op !== '+') return undefined;
  const interval = intervalOf(right) ?? (op === '+' ? intervalOf(left) : undefined);
  if (interval === undefined) return undefined;
  const time = intervalOf(right) === undefined ? right : left;
  const steps = Object.entries(interval).map(([unit, count]): Expr => {
    if (typeof count !== 'number') throw new Untranslatable('that interval is not understood');
    const sign = (op === '-' ? -count : count) < 0 ? '-' : '+';
    const [amount, name] = unit === 'milliseconds' ? [Math.abs(count) / 1000, 'seconds'] : [Math.abs(count), unit];
    return { type: 'string', value: `${sign}${amount} ${name}` };
  });
  return callOf('strftime', [{ type: 'string', value: RECORDED_TIME }, time, ...steps]);
}

function intervalOf(expression: Expr): Interval | undefined {
  if (expression.type !== 'cast' || !('name' in expression.to) || expression.to.name !== 'interval') return undefined;
  if (expression.operand.type !== 'string')
    throw new Untranslatable("an interval is a text, such as INTERVAL '1 hour'");
  try {
    return parseIntervalLiteral(expression.operand.value);
  } catch {
    throw new Untranslatable(`INTERVAL '${expression.operand.value}' is not understood: write it as INTERVAL '1 hour'`);
  }
}

/** `date_trunc('hour', timestamp)`, and as it is anything else. */
function cutTime(expression: ExprCall): ExprCall {
  if (expression.function.name !== 'date_trunc') return expression;
  const [unit, time] = expression.args;
  const format = unit?.type === 'string' ? CUT_AFTER[unit.value.toLowerCase()] : undefined;
  if (format === undefined || time === undefined) {
    throw new Untranslatable(`date_trunc takes one of ${Object.keys(CUT_AFTER).join(', ')}, and a time`);
  }
  return callOf('strftime', [{ type: 'string', value: format }, time]);
}

/** ILIKE is a comparison of both in lower case. */
function withoutCase(expression: ExprBinary): ExprBinary {
  const { op } = expression;
  if (op !== 'ILIKE' && op !== 'NOT ILIKE') return expression;
  const lower = (text: Expr): Expr => callOf('lower', [text]);
  return {
    ...expression,
    op: op === 'ILIKE' ? 'LIKE' : 'NOT LIKE',
    left: lower(expression.left),
    right: lower(expression.right),
  };
}

function uncast({ operand, to }: ExprCast): Expr {
  const name = 'name' in to ? to.name : 'array';
  if (TEXT_TYPES.has(name)) return operand;
  throw new Untranslatable(
    name === 'interval'
      ? 'an interval can be added to a time, or taken from one'
      : `a cast to ${name} has no counterpart here`,
  );
}

function callOf(name: string, args: Expr[]): ExprCall {
  return { type: 'call', function: { name }, args };
}

/** The parser says a lot of how it came there; the first lines say where, and at what. */
function wordsOf(error: unknown): string {
  const text = error instanceof Error ? error.message : '';
  const place = /at line (\d+) col (\d+)/.exec(text);
  const what = /Unexpected \w+(?: token)?: [^.\n]*/.exec(text)?.[0] ?? 'the question cannot be read';
  return place === null
    ? `${what.toLowerCase()}: the end of the question comes too early`
    : `line ${place[1]}, column ${place[2]}: ${what.toLowerCase()}`;
}

function refuse(why: string): ReturnType<typeof fail<RampartError>> {
  return fail(new RampartError('INVALID_ARGUMENT', `sql: ${why}`));
}
