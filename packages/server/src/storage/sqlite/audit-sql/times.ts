import type { Expr, ExprBinary, ExprCall, ExprCast } from 'pgsql-ast-parser';
import { intervalOf, secondsOf, type Steps } from './intervals.ts';
import { Untranslatable } from './untranslatable.ts';

/** Times are text in the form of the record: RFC 3339, milliseconds, UTC, which sorts as they do. Dates are the first ten letters. */
const RECORDED_TIME = '%Y-%m-%dT%H:%M:%fZ';
const RECORDED_DATE = '%Y-%m-%d';
const TIME_TYPES: ReadonlySet<string> = new Set([
  'timestamp',
  'timestamptz',
  'timestamp with time zone',
  'timestamp without time zone',
]);
const TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)\s*(Z|UTC|[+-]\d\d(?::?\d\d)?)?)?$/i;
const DAY_MS = 86_400_000;
const OF_TIMES: ReadonlySet<string> = new Set(['min', 'max', 'coalesce']);
const COMPARISONS: ReadonlySet<string> = new Set(['=', '!=', '<', '<=', '>', '>=']);
const ARITHMETIC: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%']);
const UTC: ReadonlySet<string> = new Set(['utc', 'gmt', 'z', 'etc/utc']);

/** Knows which expressions are times, so that no text is compared with one as if it were any text. */
export class Times {
  readonly #now: number;
  /** Names that stand for times: of the column, and of what a question calls so. */
  readonly #names: Set<string> = new Set(['timestamp']);

  /** `now` is Unix milliseconds. */
  constructor(now: number) {
    this.#now = now;
  }

  /** Takes `expression AS alias`; whether that is news. */
  name(alias: string, expression: Expr): boolean {
    if (this.#names.has(alias) || !this.isTime(expression)) return false;
    this.#names.add(alias);
    return true;
  }

  get nowText(): Expr {
    return textOf(new Date(this.#now).toISOString());
  }

  get today(): Expr {
    return textOf(new Date(this.#now).toISOString().slice(0, 10));
  }

  isTime(expression: Expr): boolean {
    if (expression.type === 'ref') return this.#names.has(expression.name);
    if (expression.type === 'keyword') {
      return expression.keyword === 'current_timestamp' || expression.keyword === 'localtimestamp';
    }
    if (expression.type === 'call') return this.#isTimeCall(expression);
    if (expression.type === 'cast') return TIME_TYPES.has(typeName(expression));
    return expression.type === 'binary' && (this.#isMoved(expression) || expression.op === 'AT TIME ZONE');
  }

  isDate(expression: Expr): boolean {
    if (expression.type === 'keyword') return expression.keyword === 'current_date';
    if (expression.type === 'cast') return typeName(expression) === 'date';
    return expression.type === 'binary' && this.#daysMoved(expression) !== undefined;
  }

  /** What a binary expression about times becomes; undefined where it is about none. */
  binary(expression: ExprBinary): Expr | undefined {
    const { op, left, right } = expression;
    if (op === 'AT TIME ZONE') return inUtc(expression);
    if (COMPARISONS.has(op)) return this.#compared(expression);
    if ((op === 'IN' || op === 'NOT IN') && this.#isMoment(left))
      return { ...expression, right: this.#listFor(left, right) };
    return ARITHMETIC.has(op) ? this.#calculated(expression) : undefined;
  }

  /** A text that stands for a time, in the form of the record. Throws `Untranslatable` when it is none. */
  literal(expression: Expr): Expr {
    return expression.type === 'string' ? textOf(new Date(this.#momentOf(expression.value)).toISOString()) : expression;
  }

  /** `x::timestamp`, `x::date`; undefined for other types. */
  cast(expression: ExprCast): Expr | undefined {
    const { operand } = expression;
    const name = typeName(expression);
    if (TIME_TYPES.has(name)) {
      return this.isTime(operand) || operand.type === 'string'
        ? this.literal(operand)
        : timeText(RECORDED_TIME, operand);
    }
    if (name !== 'date') return undefined;
    if (operand.type !== 'string') return timeText(RECORDED_DATE, operand);
    return textOf(new Date(this.#momentOf(operand.value)).toISOString().slice(0, 10));
  }

  /** Times that a BETWEEN or a comparison holds this against are brought into its form. */
  between(value: Expr, bounds: readonly [Expr, Expr]): readonly [Expr, Expr] {
    if (!this.#isMoment(value)) return bounds;
    const formed = (bound: Expr): Expr => (bound.type === 'string' ? this.#formedAs(value, bound) : bound);
    return [formed(bounds[0]), formed(bounds[1])];
  }

  #isMoment(expression: Expr): boolean {
    return this.isTime(expression) || this.isDate(expression);
  }

  #isTimeCall({ function: { name }, args }: ExprCall): boolean {
    if (name === 'now' || name === 'date_trunc') return true;
    return OF_TIMES.has(name) && args.some((argument) => this.isTime(argument));
  }

  #isMoved({ op, left, right }: ExprBinary): boolean {
    if (op !== '+' && op !== '-') return false;
    if (isInterval(right)) return this.#isMoment(left);
    return op === '+' && isInterval(left) && this.#isMoment(right);
  }

  #isDifference(expression: Expr): boolean {
    if (expression.type !== 'binary' || expression.op !== '-') return false;
    return this.#isMoment(expression.left) && this.#isMoment(expression.right);
  }

  #compared(expression: ExprBinary): Expr | undefined {
    const { left, right } = expression;
    const [length, other] = isInterval(right) ? [right, left] : [left, right];
    const steps = isInterval(length) ? intervalOf(length) : undefined;
    if (steps !== undefined) {
      if (!this.#isDifference(other)) throw new Untranslatable('an interval is compared with a time less a time');
      const seconds: Expr = { type: 'numeric', value: secondsOf(steps) };
      return length === right ? { ...expression, right: seconds } : { ...expression, left: seconds };
    }
    if (this.#isMoment(left) && right.type === 'string') return { ...expression, right: this.#formedAs(left, right) };
    if (this.#isMoment(right) && left.type === 'string') return { ...expression, left: this.#formedAs(right, left) };
    return undefined;
  }

  /** One text in parentheses is read as that text. */
  #listFor(of: Expr, list: Expr): Expr {
    const formed = (item: Expr): Expr => (item.type === 'string' ? this.#formedAs(of, item) : item);
    return list.type === 'list' ? { ...list, expressions: list.expressions.map(formed) } : formed(list);
  }

  #formedAs(of: Expr, text: Expr & { type: 'string' }): Expr {
    const time = new Date(this.#momentOf(text.value)).toISOString();
    return textOf(this.isDate(of) ? time.slice(0, 10) : time);
  }

  #calculated(expression: ExprBinary): Expr | undefined {
    const { op, left, right } = expression;
    if (this.#isDifference(expression)) {
      const days = this.isDate(left) && this.isDate(right);
      return callOf('time_difference', [left, right, { type: 'integer', value: days ? DAY_MS : 1000 }]);
    }
    const days = this.#daysMoved(expression);
    if (days !== undefined) return timeText(RECORDED_DATE, left, [textOf(`${days} days`)]);
    const steps = intervalOf(right) ?? (op === '+' ? intervalOf(left) : undefined);
    if (steps !== undefined && (op === '+' || op === '-')) {
      const time = isInterval(right) ? left : right;
      return timeText(RECORDED_TIME, this.literal(time), stepTexts(steps, op === '-' ? -1 : 1));
    }
    if (this.#isMoment(left) || this.#isMoment(right))
      throw new Untranslatable(`a time ${op} something is an INTERVAL, or another time`);
    return undefined;
  }

  /** `CURRENT_DATE - 7`. */
  #daysMoved({ op, left, right }: ExprBinary): string | undefined {
    if ((op !== '+' && op !== '-') || right.type !== 'integer' || !this.isDate(left)) return undefined;
    return `${op}${right.value}`;
  }

  #momentOf(text: string): number {
    const midnight = Math.floor(this.#now / DAY_MS) * DAY_MS;
    const named = { now: this.#now, today: midnight, yesterday: midnight - DAY_MS, tomorrow: midnight + DAY_MS };
    const known = Object.entries(named).find(([name]) => name === text.trim().toLowerCase())?.[1];
    if (known !== undefined) return known;
    const [, date = '', clock = '00:00', zone = 'Z'] = TIME.exec(text.trim()) ?? [];
    const offset = /^(?:Z|UTC)$/i.test(zone)
      ? 'Z'
      : zone.replace(/^([+-]\d\d):?(\d\d)?$/, (_, hours: string, minutes = '00') => `${hours}:${String(minutes)}`);
    const moment = Date.parse(`${date}T${clock}${offset}`);
    const isDay = new Date(`${date}T00:00Z`).getTime();
    if (Number.isNaN(moment) || Number.isNaN(isDay) || new Date(isDay).toISOString().slice(0, 10) !== date) {
      throw new Untranslatable(`'${text}' is no time: write it as '2026-01-20 10:30:00+00'`);
    }
    return moment;
  }
}

function typeName({ to }: ExprCast): string {
  return 'name' in to ? to.name : 'array';
}

function isInterval(expression: Expr): boolean {
  return intervalOf(expression) !== undefined;
}

function inUtc({ left, right }: ExprBinary): Expr {
  if (right.type === 'string' && UTC.has(right.value.toLowerCase())) return left;
  throw new Untranslatable("the times of the record are UTC: AT TIME ZONE 'UTC' alone is answered");
}

/** With the last day of the month where there is no such day, as in PostgreSQL. */
function stepTexts(steps: Steps, sign: number): readonly Expr[] {
  return steps.flatMap(([unit, count]) => {
    const step = textOf(`${sign * count < 0 ? '-' : '+'}${Math.abs(count)} ${unit}`);
    return unit === 'years' || unit === 'months' ? [step, textOf('floor')] : [step];
  });
}

function timeText(format: string, time: Expr, steps: readonly Expr[] = []): ExprCall {
  return callOf('strftime', [textOf(format), time, ...steps]);
}

export function textOf(value: string): Expr & { readonly type: 'string' } {
  return { type: 'string', value };
}

export function callOf(name: string, args: Expr[]): ExprCall {
  return { type: 'call', function: { name }, args };
}
