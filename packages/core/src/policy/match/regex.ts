import { RE2JS } from 're2js';

import { fail, ok, type Result } from '../../result.ts';

/** A regular expression whose matching takes time linear in the text, whatever both of them are (RE2). */
export interface Regex {
  /** Whether the whole text matches, as Envoy asks. */
  matches(text: string): boolean;
  /** The text with every match replaced; "\1" in the replacement is what the first group matched, "\0" the whole match. */
  replace(text: string, replacement: string): string;
}

/** Istio's bound. */
const MAX_LENGTH = 1024;
const REFERENCE = /\\(\d|\\)/g;

/** Reads the syntax of RE2, which has no back references and no look-around. */
export function parseRegex(text: string): Result<Regex, string> {
  if (text.length > MAX_LENGTH) return fail(`must be at most ${MAX_LENGTH} characters long`);
  const compiled = compile(text);
  return typeof compiled === 'string' ? fail(`is no regular expression of RE2: ${compiled}`) : ok(regexOf(compiled));
}

/** What is wrong with what stands for a match, undefined when nothing is. */
export function replacementProblem(replacement: string, pattern: string): string | undefined {
  const compiled = compile(pattern);
  if (typeof compiled === 'string') return undefined;
  const groups = compiled.groupCount();
  if (/\\(?![\d\\])/.test(replacement)) return 'may use "\\" only before a digit (a group) or another "\\"';
  const beyond = [...replacement.matchAll(REFERENCE)].find(([, what]) => what !== '\\' && Number(what) > groups);
  return beyond === undefined ? undefined : `refers to group ${beyond[0]}: the expression has ${groups}`;
}

function compile(text: string): RE2JS | string {
  try {
    return RE2JS.compile(text);
  } catch (error) {
    return error instanceof Error ? error.message : 'it cannot be read';
  }
}

function regexOf(compiled: RE2JS): Regex {
  return {
    matches: (text) => compiled.testExact(text),
    replace: (text, replacement) =>
      compiled.matcher(text).replaceAll((...found: readonly unknown[]) =>
        replacement.replaceAll(REFERENCE, (_, what: string) => {
          const group = what === '\\' ? '\\' : found[Number(what)];
          return typeof group === 'string' ? group : '';
        }),
      ),
  };
}
