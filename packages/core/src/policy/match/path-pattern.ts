import { RampartError } from '../../errors.ts';
import { matchesTemplate, parsePathPattern } from './path-template.ts';
import { anyOf, compileTextPatterns, parseTextPattern, type TextTest } from './text-patterns.ts';

/** What one value of `paths` asks for, in two steps: a text that an index finds it by, then the rest. */
export interface PathPattern {
  /** How the path has to relate to `text`; `'any'` asks nothing. */
  readonly form: 'exact' | 'prefix' | 'suffix' | 'any';
  readonly text: string;
  /** What else has to hold; undefined when nothing. */
  readonly rest: ((path: string) => boolean) | undefined;
}

/** A template is found by what stands before its first operator. */
export function compilePathPattern(value: string): PathPattern {
  const parsed = parsePathPattern(value);
  if (!parsed.ok) throw new RampartError('INVALID_ARGUMENT', parsed.problem);
  const template = parsed.value;
  if (template !== undefined) {
    return {
      form: 'prefix',
      text: value.slice(0, value.indexOf('{')),
      rest: (path) => matchesTemplate(template, path),
    };
  }
  const { form, text } = parseTextPattern(value);
  return form === 'presence' ? { form: 'any', text, rest: (path) => path !== '' } : { form, text, rest: undefined };
}

/** Any value of `paths`. */
export function compilePaths(values: readonly string[]): TextTest {
  const plain: string[] = [];
  const templates: TextTest[] = [];
  for (const value of values) {
    const { form, text, rest } = compilePathPattern(value);
    if (rest === undefined || form === 'any') plain.push(value);
    else templates.push((path) => path.startsWith(text) && rest(path));
  }
  return anyOf(plain.length > 0 ? [compileTextPatterns(plain, 'non-empty'), ...templates] : templates);
}
