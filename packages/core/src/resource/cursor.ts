import type { ErrorCode } from '../errors.ts';
import type { ProblemSink } from '../document/field-problems.ts';
import type { FieldPath } from './problem.ts';
import { suggestion } from './spelling.ts';
import { excerpt, invisibleCharacter } from '../printable.ts';

/** Reads the value under a cursor, or notes what is wrong with it and gives undefined. */
export type Reader<T> = (at: Cursor) => T | undefined;

/** One reader for every field of `T`. */
export type FieldReaders<T> = { readonly [K in keyof T]-?: Reader<NonNullable<T[K]>> };

const MAX_KEY = 512;
const MAX_TEXT = 8192;
const MAX_HINTS = 1000;

/** A place in an untrusted value. Reading never stops at the first problem: all of them are noted. */
export class Cursor {
  readonly value: unknown;
  readonly path: FieldPath;
  readonly #problems: ProblemSink;

  constructor(value: unknown, problems: ProblemSink, path: FieldPath = []) {
    this.value = value;
    this.path = path;
    this.#problems = problems;
  }

  child(step: string | number): Cursor {
    const parent = this.value;
    const value =
      typeof parent === 'object' && parent !== null && Object.hasOwn(parent, step)
        ? (parent as Readonly<Record<string | number, unknown>>)[step]
        : undefined;
    return new Cursor(value, this.#problems, [...this.path, step]);
  }

  /** The same place with a value to use when the document has none there. */
  orElse(value: unknown): Cursor {
    return this.value === undefined ? new Cursor(value, this.#problems, this.path) : this;
  }

  error(message: string, code: ErrorCode = 'INVALID_RESOURCE'): undefined {
    this.#problems.push({ severity: 'error', code, message, path: this.path, at: 'value' });
  }

  warning(message: string): void {
    this.#problems.push({ severity: 'warning', code: 'INVALID_RESOURCE', message, path: this.path, at: 'value' });
  }

  /** Notes that the field itself, not its value, is wrong here. */
  misplaced(message: string, code: ErrorCode = 'INVALID_RESOURCE'): undefined {
    this.#problems.push({ severity: 'error', code, message, path: this.path, at: 'key' });
  }

  mustBe(what: string): undefined {
    return this.error(`must be ${what}, is ${describeValue(this.value)}`);
  }

  /** Names of the fields of an object, without those that no name can be; undefined, and noted, when it is none. */
  keys(what = 'an object'): string[] | undefined {
    const { value } = this;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return this.mustBe(what);
    return Object.keys(value).filter((key) => {
      const problem = key.length > MAX_KEY ? `is longer than ${MAX_KEY} characters` : invisibleProblem(key);
      if (problem !== undefined) this.child(key).misplaced(`the name of this field ${problem}`);
      return problem === undefined;
    });
  }

  /** Elements of a list; undefined, and noted, when it is none. */
  items(what = 'a list'): Cursor[] | undefined {
    const { value } = this;
    if (!Array.isArray(value)) return this.error(`must be ${what}, is ${describeValue(value)}${asElement(value)}`);
    return value.map((_, index) => this.child(index));
  }

  /** A non-empty string on one line; undefined, and noted, when it is none. */
  text(what = 'a string'): string | undefined {
    const text = this.lines(what);
    const problem = text === undefined ? undefined : textProblem(text);
    return problem === undefined ? text : this.error(problem);
  }

  /** A non-empty string of any length and any characters; undefined, and noted, when it is none. */
  lines(what = 'a string'): string | undefined {
    const { value } = this;
    if (value === '') return this.error('must not be empty');
    if (typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'boolean') {
      return this.error(`must be ${what}, is ${describeValue(value)}: write it in quotes, ${quoted(value)}`);
    }
    return this.mustBe(what);
  }

  /** A string that may be empty; undefined, and noted, when it is none. */
  textOrEmpty(what?: string): string | undefined {
    return this.value === '' ? '' : this.text(what);
  }

  /** A boolean; undefined, and noted, when it is none. */
  flag(): boolean | undefined {
    const { value } = this;
    if (typeof value === 'boolean') return value;
    if (value === 'true' || value === 'false') return this.error(`must be a boolean: write ${value} without quotes`);
    return this.mustBe('true or false');
  }

  /** A whole number of a range; undefined, and noted, when it is none. */
  integer(what: string, { min, max }: { readonly min: number; readonly max: number }): number | undefined {
    const { value } = this;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    if (typeof value === 'string' && /^\d{1,15}$/.test(value)) {
      return this.error(`must be ${what} from ${min} to ${max}: write ${value} without quotes`);
    }
    return this.mustBe(`${what} from ${min} to ${max}`);
  }

  /** A non-empty string that a check has nothing against. */
  checked(check: (text: string) => string | undefined, what?: string): string | undefined {
    const text = this.text(what);
    const problem = text === undefined ? undefined : check(text);
    return problem === undefined ? text : this.error(problem);
  }

  /** One word of a closed list. */
  word<W extends string>(words: readonly W[]): W | undefined {
    const text = this.text();
    if (text === undefined) return undefined;
    const word = words.find((candidate) => candidate === text);
    return word ?? this.error(`unknown value ${excerpt(text)}; ${suggestion(text, words)}`);
  }

  /** The fields of an object, each through its reader; fields without a reader are noted as unknown. */
  fields<T extends object>(readers: FieldReaders<T>): Partial<T> | undefined {
    const keys = this.keys();
    if (keys === undefined) return undefined;
    const known = Object.keys(readers);
    const result: Record<string, unknown> = {};
    for (const key of keys) {
      const at = this.child(key);
      if (!Object.hasOwn(readers, key)) {
        // Spelling is worth its time for a few mistakes, not for a file of them.
        const hint = this.#problems.length < MAX_HINTS ? `; ${suggestion(key, known)}` : '';
        at.misplaced(`unknown field ${excerpt(key)}${hint}`, 'UNKNOWN_FIELD');
        continue;
      }
      const value: unknown = readers[key as keyof T](at);
      if (value !== undefined) result[key] = value;
    }
    return result as Partial<T>;
  }

  /** Every element of a list through one reader; elements that could not be read are left out (and noted). */
  list<T>(reader: Reader<T>, what?: string): T[] | undefined {
    const items = this.items(what);
    if (items === undefined) return undefined;
    const result: T[] = [];
    for (const item of items) {
      const value = reader(item);
      if (value !== undefined) result.push(value);
    }
    return result;
  }
}

/** A value as the text that was meant, where its text is known: 1.1 may have been written 1.10, and true True. */
function quoted(value: number | boolean): string {
  return Number.isSafeInteger(value) ? `"${value}"` : 'as it stands here';
}

/** What to write instead of a value that should be a list. */
function asElement(value: unknown): string {
  if (typeof value === 'string') return `: write [${excerpt(value)}]`;
  if (typeof value === 'number') return `: write it in [ ] and in quotes, ${quoted(value)}`;
  return typeof value === 'object' && value !== null ? ': write "- " before its first field' : '';
}

function textProblem(text: string): string | undefined {
  return text.length > MAX_TEXT ? `must be at most ${MAX_TEXT} characters long` : invisibleProblem(text);
}

function invisibleProblem(text: string): string | undefined {
  const character = invisibleCharacter(text);
  return character === undefined ? undefined : `holds the invisible character ${character}: remove it`;
}

function describeValue(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return `the string ${excerpt(value)}`;
  if (typeof value === 'number') return `the number ${value}`;
  return typeof value === 'boolean' ? `the boolean ${value}` : 'an object';
}
