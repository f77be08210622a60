import { RampartError } from '../../errors.ts';
import { matchesTemplate, parsePathPattern, type PathTemplate } from './path-template.ts';
import { anyOf, compileTextPatterns, parseTextPattern, type TextTest } from './text-patterns.ts';

/** What one value of `paths` asks for: a text that an index finds it by, and the rest. */
export interface PathPattern {
  /** How the path has to relate to `text`; `'segment'`: it begins with it, then one segment follows, then `tail`. */
  readonly form: 'exact' | 'prefix' | 'suffix' | 'segment' | 'any';
  readonly text: string;
  /** "" or "/…"; for `'segment'` only. */
  readonly tail: string;
  /** What else has to hold; undefined when nothing. */
  readonly rest: TextTest | undefined;
}

const ONE_SEGMENT = '{*}';

/** Reads a value: exact, by prefix or suffix, presence, or a template, which is found by what stands before its first operator. */
export function compilePathPattern(value: string): PathPattern {
  const parsed = parsePathPattern(value);
  if (!parsed.ok) throw new RampartError('INVALID_ARGUMENT', parsed.problem);
  if (parsed.value !== undefined) return templatePattern(value, parsed.value);
  const { form, text } = parseTextPattern(value);
  if (form === 'presence') return { form: 'any', text, tail: '', rest: (path) => path !== '' };
  return { form, text, tail: '', rest: undefined };
}

function templatePattern(value: string, template: PathTemplate): PathPattern {
  const text = value.slice(0, value.indexOf('{'));
  const tail = value.slice(text.length + ONE_SEGMENT.length);
  if (value.startsWith(ONE_SEGMENT, text.length) && !tail.includes('{')) {
    return { form: 'segment', text, tail, rest: undefined };
  }
  return { form: 'prefix', text, tail: '', rest: (path) => matchesTemplate(template, path) };
}

/** Whether a path that begins with `head` goes on with one segment that is not empty, and then with `tail`. */
export function isSegmentBetween(path: string, head: string, tail: string): boolean {
  const start = head.length;
  const slash = path.indexOf('/', start);
  if (slash === -1) return tail === '' && path.length > start;
  return slash > start && slash === path.length - tail.length && path.endsWith(tail);
}

/** Any value of `paths`. */
export function compilePaths(values: readonly string[]): TextTest {
  const plain: string[] = [];
  const templates: TextTest[] = [];
  for (const value of values) {
    const { form, text, tail, rest } = compilePathPattern(value);
    if (form === 'segment') templates.push((path) => path.startsWith(text) && isSegmentBetween(path, text, tail));
    else if (form === 'prefix' && rest !== undefined) templates.push(rest);
    else plain.push(value);
  }
  return anyOf(plain.length > 0 ? [compileTextPatterns(plain, 'non-empty'), ...templates] : templates);
}
