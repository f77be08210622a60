import { isPathTemplate, parsePathPattern } from '../policy/match/path-template.ts';
import type { Result } from '../result.ts';
import type { Cursor, Reader } from './cursor.ts';
import { excerpt } from '../printable.ts';

/** What is wrong with one value of a list, undefined when nothing is. */
export type ValueCheck = (value: string) => string | undefined;

/** A list of non-empty strings, each held against a check. */
export function textList(check: ValueCheck = accept): Reader<string[]> {
  return (at) => {
    const values = at.list((item) => readValue(item, check), 'a list of strings');
    if (values !== undefined && at.items()?.length === 0)
      at.warning('an empty list asks nothing, as if it were left out');
    return values;
  };
}

/** A list whose values may use one `*` at an end (exact, `abc*`, `*abc`, `*`). */
export function patternList(): Reader<string[]> {
  const read = textList();
  return (at) => {
    const values = read(at);
    for (const item of values === undefined ? [] : (at.items() ?? [])) warnOfLiteralStar(item);
    return values;
  };
}

/** A list of paths: patterns, or templates with `{*}` and `{**}`. */
export function pathList(): Reader<string[]> {
  const read = textList(parsesWith(parsePathPattern));
  return (at) => {
    const values = read(at);
    for (const item of values === undefined ? [] : (at.items() ?? [])) {
      if (typeof item.value !== 'string' || !isPathTemplate(item.value)) warnOfLiteralStar(item);
    }
    return values;
  };
}

/** Turns a parser into a check. */
export function parsesWith(parse: (text: string) => Result<unknown, string>): ValueCheck {
  return (text) => {
    const parsed = parse(text);
    return parsed.ok ? undefined : parsed.problem;
  };
}

function readValue(at: Cursor, check: ValueCheck): string | undefined {
  const value = at.text();
  const problem = value === undefined ? undefined : check(value);
  return problem === undefined ? value : at.error(problem);
}

/** Istio takes every `*` but one at an end literally, which is hardly ever meant. */
function warnOfLiteralStar(at: Cursor): void {
  const { value } = at;
  if (typeof value !== 'string' || value === '*') return;
  const rest = value.startsWith('*') ? value.slice(1) : value.endsWith('*') ? value.slice(0, -1) : value;
  if (rest.includes('*'))
    at.warning(`only one "*" at an end is a wildcard: here ${excerpt(rest)} is matched literally`);
}

function accept(): undefined {
  return undefined;
}
