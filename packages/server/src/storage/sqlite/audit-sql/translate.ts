import type { Result } from '@rampart/core';
import { astMapper, astVisitor, parse, toSql } from 'pgsql-ast-parser';
import type { Expr, ExprBinary, ExprCall, ExprCast, IAstMapper, Statement } from 'pgsql-ast-parser';
import { checkChain, named, Parts, RESERVED } from './parts.ts';
import { callOf, textOf, Times } from './times.ts';
import { Untranslatable } from './untranslatable.ts';

const LONGEST = 20_000;
const SELECTS: ReadonlySet<string> = new Set(['select', 'union', 'union all', 'with']);
const CASTS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['text', 'varchar', 'char'].map((type) => [type, 'to_text'])),
  ...Object.fromEntries(['int', 'integer', 'int4', 'int8', 'bigint', 'smallint'].map((type) => [type, 'to_integer'])),
  ...Object.fromEntries(['numeric', 'decimal', 'real', 'float', 'double precision'].map((type) => [type, 'to_real'])),
};
const AS_THEY_ARE: ReadonlySet<string> = new Set(['json', 'jsonb']);
/** For `date_trunc`: the format of a time cut off after that unit. */
const CUT_AFTER: Readonly<Record<string, string>> = {
  second: '%Y-%m-%dT%H:%M:%S.000Z',
  minute: '%Y-%m-%dT%H:%M:00.000Z',
  hour: '%Y-%m-%dT%H:00:00.000Z',
  day: '%Y-%m-%dT00:00:00.000Z',
  month: '%Y-%m-01T00:00:00.000Z',
  year: '%Y-01-01T00:00:00.000Z',
};
/** Operators on texts: the function that answers them, whether capitals count, and whether the answer is turned round. */
const TEXT_OPERATORS: ReadonlyMap<string, readonly [name: string, flags: '' | 'i', isNot: boolean]> = new Map([
  ['LIKE', ['like_text', '', false]],
  ['NOT LIKE', ['like_text', '', true]],
  ['ILIKE', ['like_text', 'i', false]],
  ['NOT ILIKE', ['like_text', 'i', true]],
  ['~', ['matches_text', '', false]],
  ['!~', ['matches_text', '', true]],
  ['~*', ['matches_text', 'i', false]],
  ['!~*', ['matches_text', 'i', true]],
]);
/** `INTERVAL '1' HOUR`, as the standard writes it, which the parser does not read. */
const STANDARD_INTERVAL = /\binterval\s+'(-?\d+(?:\.\d+)?)'\s+(year|month|week|day|hour|minute|second)s?\b/gi;

/**
 * A question in the SQL of PostgreSQL in that of SQLite with the functions of `addFunctions`. Times are text in the form of the
 * record (RFC 3339, milliseconds, UTC), which sorts as they do; texts that are compared with them are brought into it.
 * A problem is anything but one SELECT, and what has no counterpart.
 */
export function translate(sql: string, now: number): Result<string, Untranslatable> {
  if (sql.length > LONGEST) return refuse(`a question has at most ${LONGEST} characters`);
  if (sql.trim() === '') return refuse('ask a question: one SELECT');
  if (sql.includes(RESERVED)) return refuse(`names that begin with ${RESERVED} are taken`);
  let statements: Statement[];
  try {
    statements = parse(sql.replaceAll(STANDARD_INTERVAL, "interval '$1 $2'"));
  } catch (error) {
    return refuse(wordsOf(error));
  }
  const [statement, ...more] = statements;
  if (statement === undefined || more.length > 0) return refuse('ask one question at a time: one SELECT');
  if (!SELECTS.has(statement.type)) return refuse(`only SELECT is answered, not ${statement.type.toUpperCase()}`);
  try {
    const parts = new Parts();
    const mapped = mapperFor(timesOf(statement, now), parts).statement(statement);
    if (mapped === null || mapped === undefined) return refuse('nothing is left of the question');
    return { ok: true, value: parts.fill(toSql.statement(mapped)) };
  } catch (error) {
    return error instanceof Untranslatable
      ? refuse(error.message)
      : refuse('the question cannot be put to the embedded store');
  }
}

/** What is called something in a question may be a time of another name. */
function timesOf(statement: Statement, now: number): Times {
  const times = new Times(now);
  let isNews = true;
  const visitor = astVisitor((visit) => ({
    selectionColumn: (column) => {
      if (column.alias !== undefined && times.name(column.alias.name, column.expr)) isNews = true;
      visit.super().selectionColumn(column);
    },
  }));
  while (isNews) {
    isNews = false;
    visitor.statement(statement);
  }
  return times;
}

function mapperFor(times: Times, parts: Parts): IAstMapper {
  return astMapper((map) => ({
    union: (union) => {
      checkChain(union);
      const [left, right] = [map.select(union.left), map.select(union.right)];
      return left && right ? parts.union(union, [left, right]) : undefined;
    },
    selection: (given) => {
      if (given.for !== undefined) throw new Untranslatable('nothing is changed here: leave out FOR');
      if (Array.isArray(given.distinct)) throw new Untranslatable('DISTINCT ON has no counterpart here: use GROUP BY');
      const columns = given.columns?.map(named);
      const statement = map.super().selection({ ...given, ...(columns === undefined ? {} : { columns }) });
      return statement?.type === 'select' ? parts.page(statement) : statement;
    },
    binary: (expression) => {
      const changed = times.binary(expression) ?? textOperation(expression) ?? anyOf(expression);
      if (changed === undefined) return map.super().binary(expression);
      return changed.type === 'binary' ? map.super().binary(changed) : map.expr(changed);
    },
    ternary: (expression) => {
      const [lo, hi] = times.between(expression.value, [expression.lo, expression.hi]);
      return map.super().ternary({ ...expression, lo, hi });
    },
    call: (expression) => (expression.function.name === 'now' ? times.nowText : map.super().call(calledAs(expression))),
    extract: ({ field, from }) => map.expr(callOf('time_part', [textOf(field.name), times.literal(from)])),
    valueKeyword: (keyword) => {
      if (times.isDate(keyword)) return times.today;
      return times.isTime(keyword) ? times.nowText : map.super().valueKeyword(keyword);
    },
    constant: (value) =>
      value.type === 'string' && value.value.includes('\\') ? parts.text(value.value) : map.super().constant(value),
    cast: (expression) => map.expr(times.cast(expression) ?? converted(expression)),
  }));
}

function calledAs(expression: ExprCall): ExprCall {
  const { function: called, args } = expression;
  switch (called.name) {
    case 'date_trunc':
      return cutTime(args);
    case 'date_part':
      return callOf('time_part', args);
    case 'array_agg':
      return { ...expression, function: { name: 'json_group_array' } };
    default:
      return expression;
  }
}

/** `date_trunc('hour', timestamp)`. */
function cutTime([unit, time]: readonly Expr[]): ExprCall {
  const format = unit?.type === 'string' ? CUT_AFTER[unit.value.toLowerCase()] : undefined;
  if (format === undefined || time === undefined) {
    throw new Untranslatable(`date_trunc takes one of ${Object.keys(CUT_AFTER).join(', ')}, and a time`);
  }
  return callOf('strftime', [textOf(format), time]);
}

function textOperation({ op, left, right }: ExprBinary): Expr | undefined {
  const found = TEXT_OPERATORS.get(op);
  if (found === undefined) return undefined;
  const [name, flags, isNot] = found;
  const call = callOf(name, [left, right, textOf(flags)]);
  return isNot ? { type: 'unary', op: 'NOT', operand: call } : call;
}

/** `x = ANY(ARRAY['a', 'b'])` is `x IN ('a', 'b')`. */
function anyOf(expression: ExprBinary): ExprBinary | undefined {
  const { op, right } = expression;
  if (op !== '=' || right.type !== 'call' || right.function.name !== 'any') return undefined;
  const [list] = right.args;
  if (list?.type !== 'array') throw new Untranslatable("ANY takes an array: ANY(ARRAY['a', 'b'])");
  return { ...expression, op: 'IN', right: { type: 'list', expressions: list.expressions } };
}

function converted({ operand, to }: ExprCast): Expr {
  const name = 'name' in to ? to.name : 'array';
  if (AS_THEY_ARE.has(name)) return operand;
  const work = CASTS[name];
  if (work !== undefined) return callOf(work, [operand]);
  throw new Untranslatable(
    name === 'interval'
      ? 'an interval can be added to a time, or taken from one'
      : `a cast to ${name} has no counterpart here`,
  );
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

function refuse(why: string): { readonly ok: false; readonly problem: Untranslatable } {
  return { ok: false, problem: new Untranslatable(`sql: ${why}`) };
}
