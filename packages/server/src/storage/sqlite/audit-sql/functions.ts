import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';

type Value = SQLOutputValue;

/** Functions of PostgreSQL that questions are put in and SQLite lacks, or has with another meaning. Each is NULL for NULL. */
export function addFunctions(database: DatabaseSync): void {
  for (const [name, work] of Object.entries(FUNCTIONS)) {
    const answer = (...values: Value[]): Value => (values.includes(null) ? null : work(...values.map(textOf)));
    // SQLite knows by the number of parameters what to call.
    const sized = [
      () => null,
      (a: Value) => answer(a),
      (a: Value, b: Value) => answer(a, b),
      (a: Value, b: Value, c: Value) => answer(a, b, c),
    ];
    database.function(name, { deterministic: true }, sized[work.length] ?? answer);
  }
}

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July'],
  ...['August', 'September', 'October', 'November', 'December'],
];
const DAY_MS = 86_400_000;

const FUNCTIONS: Readonly<Record<string, (...values: string[]) => string | number>> = {
  lower: (text) => (text ?? '').toLowerCase(),
  upper: (text) => (text ?? '').toUpperCase(),
  like_text: (text, pattern, flags) => Number(likeness(pattern ?? '', flags ?? '').test(text ?? '')),
  matches_text: (text, pattern, flags) => Number(expression(pattern ?? '', flags ?? '').test(text ?? '')),
  time_difference: (left, right, unit) => (moment(left ?? '') - moment(right ?? '')) / Number(unit),
  time_part: (field, time) => part((field ?? '').toLowerCase(), new Date(moment(time ?? ''))),
  to_char: (time, format) => written(new Date(moment(time ?? '')), format ?? ''),
  to_integer: (text) => Math.round(number(text ?? '', 'integer')),
  to_real: (text) => number(text ?? '', 'numeric'),
  to_text: (text) => text ?? '',
  split_part: (text, separator, field) => (text ?? '').split(separator ?? '').at(fieldIndex(Number(field))) ?? '',
};

function textOf(value: Value): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value);
}

const compiled = new Map<string, RegExp>();

function remembered(key: string, make: () => RegExp): RegExp {
  const known = compiled.get(key) ?? make();
  compiled.set(key, known);
  return known;
}

/** `%` is any run of characters, `_` any one, a backslash takes the meaning from what follows. */
function likeness(pattern: string, flags: string): RegExp {
  return remembered(`like ${flags} ${pattern}`, () => {
    const source = pattern.replaceAll(/\\[\s\S]|[%_.*+?^${}()|[\]\\/-]/g, (found) => {
      if (found === '%') return '[\\s\\S]*';
      return found === '_' ? '[\\s\\S]' : `\\u{${found.codePointAt(found.length - 1)?.toString(16) ?? '0'}}`;
    });
    return new RegExp(`^${source}$`, `u${flags}`);
  });
}

function expression(pattern: string, flags: string): RegExp {
  return remembered(`match ${flags} ${pattern}`, () => {
    try {
      return new RegExp(pattern, `u${flags}`);
    } catch {
      throw new Error(`${JSON.stringify(pattern)} is no regular expression`);
    }
  });
}

function moment(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new Error(`${JSON.stringify(text.slice(0, 100))} is no time`);
  return time;
}

function number(text: string, type: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isNaN(value)) throw new Error(`${JSON.stringify(text.slice(0, 100))} is no ${type}`);
  return value;
}

function fieldIndex(field: number): number {
  if (field === 0) throw new Error('fields of split_part are counted from 1');
  return field > 0 ? field - 1 : field;
}

function part(field: string, time: Date): number {
  const parts: Readonly<Record<string, number>> = {
    year: time.getUTCFullYear(),
    quarter: Math.floor(time.getUTCMonth() / 3) + 1,
    month: time.getUTCMonth() + 1,
    week: isoWeek(time),
    day: time.getUTCDate(),
    doy: Math.floor((time.getTime() - Date.UTC(time.getUTCFullYear(), 0, 1)) / DAY_MS) + 1,
    dow: time.getUTCDay(),
    isodow: time.getUTCDay() || 7,
    hour: time.getUTCHours(),
    minute: time.getUTCMinutes(),
    second: time.getUTCSeconds() + time.getUTCMilliseconds() / 1000,
    epoch: time.getTime() / 1000,
  };
  const value = parts[field];
  if (value === undefined) throw new Error(`EXTRACT knows ${Object.keys(parts).join(', ')}`);
  return value;
}

/** ISO 8601: the week of the year's first Thursday is the first. */
function isoWeek(time: Date): number {
  const thursday = new Date(time.getTime() + (4 - (time.getUTCDay() || 7)) * DAY_MS);
  return Math.floor((thursday.getTime() - Date.UTC(thursday.getUTCFullYear(), 0, 1)) / (7 * DAY_MS)) + 1;
}

function written(time: Date, format: string): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const hour = time.getUTCHours();
  const half = two(hour % 12 || 12);
  const [day = '', month = ''] = [DAYS[time.getUTCDay()], MONTHS[time.getUTCMonth()]];
  const patterns: Readonly<Record<string, string>> = {
    HH24: two(hour),
    HH12: half,
    YYYY: String(time.getUTCFullYear()).padStart(4, '0'),
    Month: month,
    Mon: month.slice(0, 3),
    Day: day,
    Dy: day.slice(0, 3),
    DD: two(time.getUTCDate()),
    MM: two(time.getUTCMonth() + 1),
    MI: two(time.getUTCMinutes()),
    MS: String(time.getUTCMilliseconds()).padStart(3, '0'),
    SS: two(time.getUTCSeconds()),
    HH: half,
    AM: hour < 12 ? 'AM' : 'PM',
    PM: hour < 12 ? 'AM' : 'PM',
    TZ: 'UTC',
  };
  return format.replaceAll(
    /"([^"]*)"|HH24|HH12|YYYY|Month|Mon|Day|Dy|DD|MM|MI|MS|SS|HH|AM|PM|TZ/g,
    (found, quoted?: string) => quoted ?? patterns[found] ?? found,
  );
}
