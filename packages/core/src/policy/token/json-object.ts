import { fail, ok, type Result } from '../../result.ts';

/** Deeper than any token that means well. */
const MAX_DEPTH = 32;

/**
 * Reads a JSON object so that there is only one way to understand it: no member named twice at any depth (RFC 8259 §4
 * leaves open which one counts; RFC 7519 §4 lets a reader refuse), no nesting without end.
 */
export function parseJsonObject(text: string): Result<Readonly<Record<string, unknown>>, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return fail('is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail('is not a JSON object');
  const problem = ambiguity(text);
  return problem === undefined ? ok(value as Record<string, unknown>) : fail(problem);
}

/** Walks over text that is known to be JSON. */
function ambiguity(text: string): string | undefined {
  const scopes: (Set<string> | undefined)[] = [];
  let expectsName = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (character === '"') {
      const end = endOfString(text, index);
      if (expectsName && isRepeated(scopes.at(-1), text.slice(index, end + 1))) return 'names a member twice';
      expectsName = false;
      index = end;
    } else if (character === '{' || character === '[') {
      scopes.push(character === '{' ? new Set() : undefined);
      if (scopes.length > MAX_DEPTH) return 'is nested too deeply';
      expectsName = character === '{';
    } else if (character === '}' || character === ']') scopes.pop();
    else if (character === ',') expectsName = scopes.at(-1) !== undefined;
  }
  return undefined;
}

function isRepeated(names: Set<string> | undefined, quoted: string): boolean {
  const name: unknown = JSON.parse(quoted);
  if (names === undefined || typeof name !== 'string') return false;
  if (names.has(name)) return true;
  names.add(name);
  return false;
}

function endOfString(text: string, start: number): number {
  let index = start + 1;
  while (index < text.length && text[index] !== '"') index += text[index] === '\\' ? 2 : 1;
  return index;
}
