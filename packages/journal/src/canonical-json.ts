import { RampartError } from '@rampart/core';

/** A value that JSON can say. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/**
 * The one text of a JSON value: no white space, keys sorted by UTF-16 code units, numbers and strings as ECMAScript prints
 * them (the JSON Canonicalization Scheme, RFC 8785). Throws `RampartError` INVALID_ARGUMENT for what JSON cannot say.
 */
export function canonicalJson(value: JsonValue): string {
  return print(value, '$');
}

function print(value: unknown, path: string): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return printString(value, path);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item, index) => print(item, `${path}[${index}]`)).join(',')}]`;
  if (isPlainObject(value)) return printObject(value, path);
  throw unsayable(path, typeof value);
}

function printString(value: string, path: string): string {
  // RFC 8785 §3.2.2.2: a lone surrogate has no UTF-8 form, so it could not be hashed.
  if (!value.isWellFormed()) throw unsayable(path, 'string with a lone surrogate');
  return JSON.stringify(value);
}

function printObject(value: Readonly<Record<string, unknown>>, path: string): string {
  const members = Object.keys(value)
    .sort()
    .map((key) => `${printString(key, path)}:${print(value[key], `${path}.${key}`)}`);
  return `{${members.join(',')}}`;
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function unsayable(path: string, what: string): RampartError {
  return new RampartError('INVALID_ARGUMENT', `a journal record holds a ${what} at ${path}, which JSON cannot say`);
}
