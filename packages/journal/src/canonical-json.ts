import { RampartError } from '@rampart/core';

/** A value that JSON can say. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/**
 * The one text of a JSON value: no white space, keys sorted by UTF-16 code units, numbers and strings as ECMAScript prints
 * them (the JSON Canonicalization Scheme, RFC 8785). Throws `RampartError` INVALID_ARGUMENT for what JSON cannot say.
 */
export function canonicalJson(value: JsonValue): string {
  return isCanonical(value) ? JSON.stringify(value) : (print(value) ?? refuse(value, '$'));
}

/** What the engine's own way prints as it is asked for here: nothing but JSON, and every key in its place already. */
function isCanonical(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value === 'number') return Number.isFinite(value);
  if (value === null || typeof value === 'boolean') return true;
  if (Array.isArray(value)) return !('toJSON' in value) && areCanonical(value);
  if (!isPlainObject(value) || 'toJSON' in value) return false;
  let last = '';
  for (const key of Object.keys(value)) {
    if (key < last || !key.isWellFormed() || !isCanonical(value[key])) return false;
    last = key;
  }
  return true;
}

/** Holes of a list are no JSON either. */
function areCanonical(values: readonly unknown[]): boolean {
  for (let index = 0; index < values.length; index += 1) if (!isCanonical(values[index])) return false;
  return true;
}

/** Undefined for what JSON cannot say. */
function print(value: unknown): string | undefined {
  if (typeof value === 'string') return printString(value);
  if (typeof value === 'number') return Number.isFinite(value) ? JSON.stringify(value) : undefined;
  if (value === null || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return printArray(value);
  return isPlainObject(value) ? printObject(value) : undefined;
}

/** ASCII without quotation mark, backslash and control characters stands for itself. */
const PLAIN = /^[ !#-[\]-~]*$/;

function printString(value: string): string | undefined {
  if (PLAIN.test(value)) return `"${value}"`;
  // RFC 8785 §3.2.2.2: a lone surrogate has no UTF-8 form, so it could not be hashed.
  return value.isWellFormed() ? JSON.stringify(value) : undefined;
}

function printArray(values: readonly unknown[]): string | undefined {
  let text = '[';
  for (let index = 0; index < values.length; index += 1) {
    const item = print(values[index]);
    if (item === undefined) return undefined;
    text += index === 0 ? item : `,${item}`;
  }
  return `${text}]`;
}

function printObject(value: Readonly<Record<string, unknown>>): string | undefined {
  const keys = sort(Object.keys(value));
  let text = '{';
  for (const key of keys) {
    const name = printString(key);
    const item = print(value[key]);
    if (name === undefined || item === undefined) return undefined;
    text += text === '{' ? `${name}:${item}` : `,${name}:${item}`;
  }
  return `${text}}`;
}

/** Few keys, most of them in order already, are sorted where they stand; the engine's way copies them first. */
function sort(keys: string[]): string[] {
  if (keys.length > 32) return keys.sort();
  for (let index = 1; index < keys.length; index += 1) {
    const key = keys[index] ?? '';
    let at = index;
    for (let before = keys[at - 1]; before !== undefined && before > key; before = keys[at - 1]) {
      keys[at] = before;
      at -= 1;
    }
    keys[at] = key;
  }
  return keys;
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Says where it is: only what is refused pays for keeping count of that. */
function refuse(value: unknown, path: string): never {
  if (typeof value === 'string') throw unsayable(path, 'string with a lone surrogate');
  const inside: [path: string, item: unknown][] = Array.isArray(value)
    ? Array.from(value, (item, index) => [`${path}[${index}]`, item])
    : isPlainObject(value)
      ? Object.keys(value).map((key) => [`${path}.${key}`, printString(key) === undefined ? key : value[key]])
      : [];
  const [where, what] = inside.find(([, item]) => print(item) === undefined) ?? [];
  if (where !== undefined) refuse(what, where);
  throw unsayable(path, typeof value);
}

function unsayable(path: string, what: string): RampartError {
  return new RampartError('INVALID_ARGUMENT', `a journal record holds a ${what} at ${path}, which JSON cannot say`);
}
