import { ok } from '@rampart/core';
import type { Result } from '@rampart/core';

import { derivedValue } from './derived-component.ts';
import { isResponse } from './message.ts';
import type { HttpMessage } from './message.ts';
import { refuse } from './problem.ts';
import type { HttpSignatureProblem } from './problem.ts';
import {
  isInnerList,
  readDictionary,
  readItem,
  readList,
  serializeDictionary,
  serializeInnerList,
  serializeItem,
  serializeList,
} from './structured-fields.ts';
import type { Parameters } from './structured-fields.ts';

/** A part of a message that a signature covers (RFC 9421 §2): a header field, or a derived component such as "@method". */
export interface Component {
  /** In lower case. */
  readonly name: string;
  readonly parameters: Parameters;
}

/** As it stands in a signature base: `"@query-param";name="Pet"`. Two components are the same when these are. */
export function identifierOf({ name, parameters }: Component): string {
  return serializeItem([name, parameters]);
}

const PARAMETERS: ReadonlySet<string> = new Set(['sf', 'key', 'bs', 'req', 'name']);
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

/** The component's value in this message (RFC 9421 §2.1, §2.2, §2.4). */
export function valueOf(component: Component, message: HttpMessage): Result<string, HttpSignatureProblem> {
  const { name, parameters } = component;
  for (const key of parameters.keys()) {
    if (!PARAMETERS.has(key)) return missing(component, `its parameter "${key}" is not supported`);
  }
  const source = parameters.has('req') ? requestOf(message) : message;
  if (source === undefined) return missing(component, 'it asks for a request, and there is none');
  if (name.startsWith('@')) {
    const value = derivedValue(component, source);
    return value === undefined ? missing(component, 'the message has no such component') : ok(value);
  }
  if (!FIELD_NAME.test(name)) return missing(component, 'that is no name of a field');
  const values = source.fields(name);
  if (values.length === 0) return missing(component, 'the message has no such field');
  return fieldValue(component, values);
}

function requestOf(message: HttpMessage): HttpMessage | undefined {
  return isResponse(message) ? message.request : undefined;
}

function fieldValue(component: Component, values: readonly string[]): Result<string, HttpSignatureProblem> {
  const { parameters } = component;
  const key = parameters.get('key');
  const isStrict = parameters.has('sf');
  if (parameters.has('bs')) {
    if (isStrict || key !== undefined) return missing(component, '"bs" goes with neither "sf" nor "key"');
    return ok(values.map((value) => `:${Buffer.from(trimmed(value), 'latin1').toString('base64')}:`).join(', '));
  }
  const combined = values.map(trimmed).join(', ');
  if (key === undefined && !isStrict) return ok(combined);
  const value = typeof key === 'string' ? memberOf(combined, key) : strictly(combined);
  return value === undefined ? missing(component, 'the field is not the structured one that is asked for') : ok(value);
}

/** RFC 9421 §2.1: leading and trailing whitespace goes, obsolete line folding becomes one space. */
function trimmed(value: string): string {
  return value.replace(/[ \t]*\r?\n[ \t]+/g, ' ').replace(/^[ \t]+|[ \t]+$/g, '');
}

function memberOf(text: string, key: string): string | undefined {
  const member = readDictionary(text)?.get(key);
  if (member === undefined) return undefined;
  return isInnerList(member) ? serializeInnerList(member) : serializeItem(member);
}

/** The type of a field is not written in it: what reads as one is taken for that (a list of one item is written as the item). */
function strictly(text: string): string | undefined {
  const item = readItem(text);
  if (item !== undefined) return serializeItem(item);
  const dictionary = readDictionary(text);
  if (dictionary !== undefined) return serializeDictionary(dictionary);
  const list = readList(text);
  return list === undefined ? undefined : serializeList(list);
}

function missing(component: Component, why: string): ReturnType<typeof refuse> {
  return refuse('NO_COMPONENT', `${component.name} cannot be covered: ${why}`);
}
