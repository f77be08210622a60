import { matchesTemplate, parsePathPattern, type PathTemplate } from '../../policy/match/path-template.ts';
import { compileTextPatterns } from '../../policy/match/text-patterns.ts';

/** Whether everything that `narrow` matches is matched by `wide` as well; false also when that cannot be told. */
function patternCovers(wide: string, narrow: string): boolean {
  if (wide === narrow || wide === '*') return true;
  if (narrow === '*') return false;
  const template = templateOf(wide);
  if (template !== undefined) return !hasWildcard(narrow) && matchesTemplate(template, narrow);
  if (wide.startsWith('*')) return !narrow.endsWith('*') && !isTemplate(narrow) && narrow.endsWith(wide.slice(1));
  if (wide.endsWith('*')) return headOf(narrow).startsWith(wide.slice(0, -1));
  return false;
}

/** Whether a list (absent: anything) matches everything that another list matches. */
export function listCovers(wide: readonly string[] = [], narrow: readonly string[] = []): boolean {
  if (wide.length === 0) return true;
  return narrow.length > 0 && narrow.every((value) => wide.some((pattern) => patternCovers(pattern, value)));
}

/** Whether any value of a list could match what a pattern matches; true also when that cannot be told. */
export function mayOverlap(patterns: readonly string[], value: string): boolean {
  if (hasWildcard(value)) return true;
  return patterns.some((pattern) => {
    const template = templateOf(pattern);
    return template === undefined ? compileTextPatterns([pattern], 'any')(value) : matchesTemplate(template, value);
  });
}

/** Whether a value stands for more than itself. */
export function hasWildcard(value: string): boolean {
  return value.startsWith('*') || value.endsWith('*') || isTemplate(value);
}

/** What every match begins with. */
function headOf(pattern: string): string {
  if (pattern.startsWith('*')) return '';
  const operator = pattern.search(/\{\*/);
  if (operator !== -1) return pattern.slice(0, operator);
  return pattern.endsWith('*') ? pattern.slice(0, -1) : pattern;
}

function isTemplate(value: string): boolean {
  return value.includes('{*');
}

function templateOf(value: string): PathTemplate | undefined {
  const parsed = isTemplate(value) ? parsePathPattern(value) : undefined;
  return parsed?.ok === true ? parsed.value : undefined;
}
