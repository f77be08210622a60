import { TextTrie } from './text-trie.ts';

/** Whether a text is what was asked for. */
export type TextTest = (text: string) => boolean;

/** What one value of a policy asks for. */
export interface TextPattern {
  readonly form: 'exact' | 'prefix' | 'suffix' | 'presence';
  /** Without its `*`; "" for presence. */
  readonly text: string;
}

/** Above this many values a set or a trie is quicker than looking at each. */
const FEW = 4;

/**
 * Reads a value: exact, `abc*` (prefix), `*abc` (suffix) or `*` (presence). Only one `*` at one end is a wildcard and the
 * leading one wins, so `*abc*` means "ends with `abc*`" (Istio's string match).
 */
export function parseTextPattern(value: string): TextPattern {
  if (value === '*') return { form: 'presence', text: '' };
  if (value.startsWith('*')) return { form: 'suffix', text: value.slice(1) };
  return value.endsWith('*') ? { form: 'prefix', text: value.slice(0, -1) } : { form: 'exact', text: value };
}

/**
 * Any of a policy's values. What presence asks differs by field: `'any'` text, or a text that is not empty.
 */
export function compileTextPatterns(values: readonly string[], presence: 'any' | 'non-empty'): TextTest {
  const patterns = values.map(parseTextPattern);
  const textsOf = (form: TextPattern['form']): string[] =>
    patterns.filter((pattern) => pattern.form === form).map((pattern) => pattern.text);
  return anyOf([
    ...(textsOf('presence').length > 0 ? [presence === 'any' ? isAny : isNotEmpty] : []),
    ...isOneOf(textsOf('exact')),
    ...startsWithAny(textsOf('prefix')),
    ...endsWithAny(textsOf('suffix')),
  ]);
}

/** Whether any of some texts is one of a policy's values; those without a wildcard are looked up, not looked for. */
export function compileTextSets(values: readonly string[]): (texts: ReadonlySet<string>) => boolean {
  const isExact = (value: string): boolean => parseTextPattern(value).form === 'exact';
  const exact = values.filter(isExact);
  const patterns = values.filter((value) => !isExact(value));
  const matches = compileTextPatterns(patterns, 'non-empty');
  return (texts) => {
    for (const value of exact) if (texts.has(value)) return true;
    if (patterns.length > 0) for (const text of texts) if (matches(text)) return true;
    return false;
  };
}

/** Whether any test holds. */
export function anyOf(tests: readonly TextTest[]): TextTest {
  const [first, second] = tests;
  if (first === undefined) return isNever;
  if (second === undefined) return first;
  if (tests.length === 2) return (text) => first(text) || second(text);
  return (text) => {
    for (const test of tests) if (test(text)) return true;
    return false;
  };
}

function isOneOf(values: readonly string[]): TextTest[] {
  if (values.length <= FEW) return values.map((value) => (text) => text === value);
  const set = new Set(values);
  return [(text) => set.has(text)];
}

function startsWithAny(prefixes: readonly string[]): TextTest[] {
  if (prefixes.length > FEW) return [affixTest(prefixes, 'forwards')];
  return prefixes.map((prefix) => (text) => text.startsWith(prefix));
}

function endsWithAny(suffixes: readonly string[]): TextTest[] {
  if (suffixes.length > FEW) return [affixTest(suffixes, 'backwards')];
  return suffixes.map((suffix) => (text) => text.endsWith(suffix));
}

function affixTest(affixes: readonly string[], direction: 'forwards' | 'backwards'): TextTest {
  const trie = new TextTrie<true>(direction);
  for (const affix of affixes) trie.add(affix, 'prefix', true);
  trie.seal();
  return (text) => {
    const found = trie.find(text);
    return found.prefix.length > 0 || found.up !== undefined;
  };
}

function isAny(): boolean {
  return true;
}

function isNever(): boolean {
  return false;
}

function isNotEmpty(text: string): boolean {
  return text !== '';
}
