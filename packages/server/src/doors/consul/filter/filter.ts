import { fail, ok, type Result } from '@rampart/core';
import type { Expression, Selector } from './expression.ts';
import { parseFilter } from './parser.ts';

/** A value of JSON as filters look at it. */
export type Item = string | number | boolean | null | readonly Item[] | { readonly [key: string]: Item | undefined };

export type Filter = (item: Item) => boolean;

/**
 * A filter over items of a shape: an item with every field, an empty object for a map with keys of the caller's choice, a list with
 * one element. The problem names what is wrong with the text, or a selector that no item has.
 */
export function createFilter(text: string, shape: Item): Result<Filter, string> {
  const parsed = parseFilter(text);
  if (!parsed.ok) return parsed;
  const problem = selectorProblem(parsed.value, shape, {});
  if (problem !== undefined) return fail(problem);
  return ok((item) => holds(parsed.value, item, {}));
}

/** What `any … as name` and `all … as name` call their elements. */
type Names = Readonly<Record<string, Item>>;

function selectorProblem(expression: Expression, shape: Item, names: Names): string | undefined {
  switch (expression.kind) {
    case 'and':
    case 'or':
      return selectorProblem(expression.left, shape, names) ?? selectorProblem(expression.right, shape, names);
    case 'not':
      return selectorProblem(expression.of, shape, names);
    case 'compare':
      return shapeOf(expression.selector, shape, names) === undefined ? unknown(expression.selector) : undefined;
    case 'any':
    case 'all': {
      const within = shapeOf(expression.selector, shape, names);
      if (within === undefined) return unknown(expression.selector);
      const element = isList(within) ? (within[0] ?? '') : '';
      return selectorProblem(expression.body, shape, { ...names, [expression.name]: element });
    }
  }
}

function unknown(selector: Selector): string {
  return `Selector ${JSON.stringify(selector.join('.'))} is not valid`;
}

function shapeOf(selector: Selector, shape: Item, names: Names): Item | undefined {
  let current = rootOf(selector, shape, names);
  for (const name of restOf(selector, names)) {
    while (isList(current)) current = current[0] ?? '';
    if (typeof current !== 'object' || current === null) return undefined;
    // A map without any key has whatever key is asked for.
    const next = Object.keys(current).length === 0 ? '' : ownValue(current, name);
    if (next === undefined) return undefined;
    current = next;
  }
  return current;
}

function holds(expression: Expression, item: Item, names: Names): boolean {
  switch (expression.kind) {
    case 'and':
      return holds(expression.left, item, names) && holds(expression.right, item, names);
    case 'or':
      return holds(expression.left, item, names) || holds(expression.right, item, names);
    case 'not':
      return !holds(expression.of, item, names);
    case 'compare':
      return valuesAt(expression.selector, item, names).some((value) => compares(expression, value));
    case 'any':
    case 'all': {
      const elements = valuesAt(expression.selector, item, names).flatMap(elementsOf);
      const within = (element: Item): boolean => holds(expression.body, item, { ...names, [expression.name]: element });
      return expression.kind === 'any' ? elements.some(within) : elements.every(within);
    }
  }
}

/** What the selector leads to; through a list to each of its elements, to nothing where a map has no such key. */
function valuesAt(selector: Selector, item: Item, names: Names): readonly Item[] {
  let current: readonly Item[] = [rootOf(selector, item, names)];
  for (const name of restOf(selector, names)) {
    current = current
      .flatMap((value) => (isList(value) ? value : [value]))
      .flatMap((value) => {
        const next = typeof value === 'object' && value !== null && !isList(value) ? ownValue(value, name) : undefined;
        return next === undefined ? [] : [next];
      });
  }
  return current;
}

function compares({ comparison, value }: Expression & { kind: 'compare' }, actual: Item): boolean {
  switch (comparison) {
    case 'equal':
      return equals(actual, value);
    case 'empty':
      return actual === null || actual === '' || elementsOf(actual).length === 0;
    case 'contains':
      return typeof actual === 'string'
        ? actual.includes(value)
        : elementsOf(actual).some((each) => equals(each, value));
  }
}

function equals(actual: Item, value: string): boolean {
  if (typeof actual === 'number') return actual === Number(value) && value.trim() !== '';
  return typeof actual === 'object' ? false : String(actual) === value;
}

/** Elements of a list, keys of a map, or a text as the only one. */
function elementsOf(value: Item): readonly Item[] {
  if (isList(value)) return value;
  if (value !== null && typeof value === 'object') return Object.keys(value);
  return value === null || value === '' ? [] : [value];
}

function rootOf(selector: Selector, item: Item, names: Names): Item {
  const [first = ''] = selector;
  return Object.hasOwn(names, first) ? (names[first] ?? null) : item;
}

function restOf(selector: Selector, names: Names): Selector {
  return Object.hasOwn(names, selector[0] ?? '') ? selector.slice(1) : selector;
}

function ownValue(map: { readonly [key: string]: Item | undefined }, name: string): Item | undefined {
  return Object.hasOwn(map, name) ? map[name] : undefined;
}

function isList(value: Item | undefined): value is readonly Item[] {
  return Array.isArray(value);
}
