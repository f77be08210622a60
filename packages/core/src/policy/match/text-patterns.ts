/** Whether a text is what was asked for. */
export type TextTest = (text: string) => boolean;

/** Above this many exact values a set is quicker than looking at each. */
const FEW = 4;

/**
 * Any of a policy's values, each exact, `abc*` (prefix), `*abc` (suffix) or `*` (presence). Only one `*` at one end is a
 * wildcard and the leading one wins, so `*abc*` means "ends with `abc*`" (Istio's string match).
 * What presence asks differs by field: `'any'` text, or a text that is not empty.
 */
export function compileTextPatterns(values: readonly string[], presence: 'any' | 'non-empty'): TextTest {
  const exact: string[] = [];
  const others: TextTest[] = [];
  for (const value of values) {
    if (value === '*') others.push(presence === 'any' ? isAny : isNotEmpty);
    else if (value.startsWith('*')) others.push(endsWith(value.slice(1)));
    else if (value.endsWith('*')) others.push(startsWith(value.slice(0, -1)));
    else exact.push(value);
  }
  return anyOf(exact.length > 0 ? [isOneOf(exact), ...others] : others);
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

function isOneOf(values: readonly string[]): TextTest {
  const [first, second] = values;
  if (first !== undefined && second === undefined) return (text) => text === first;
  if (values.length <= FEW) return (text) => values.includes(text);
  const set = new Set(values);
  return (text) => set.has(text);
}

function startsWith(prefix: string): TextTest {
  return (text) => text.startsWith(prefix);
}

function endsWith(suffix: string): TextTest {
  return (text) => text.endsWith(suffix);
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
