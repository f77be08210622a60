import type { TokenFacts } from '../attributes.ts';
import { keepingLast } from './last-answer.ts';

const NONE: readonly string[] = [];
/** Lists written with spaces in every token (RFC 8693 §4.2 for `scope`; Istio reads `permission` the same way). */
const ALWAYS_DELIMITED: ReadonlySet<string> = new Set(['scope', 'permission']);

/**
 * The texts that a claim holds: itself, or those in it if it is a list; numbers, booleans and objects are none. `path`
 * names objects from the outermost inwards; lists of objects are not looked into.
 */
export function claimTexts(token: TokenFacts, path: readonly string[]): readonly string[] {
  const value = claimAt(token, path);
  if (typeof value === 'string') {
    return path.length === 1 && isDelimited(token, path[0]) ? value.split(' ').filter((part) => part !== '') : [value];
  }
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : NONE;
}

/** What `claimTexts` finds of one token, claim by claim. */
const textsOfToken = keepingLast((_token: TokenFacts) => new Map<string, ReadonlySet<string>>());

/** `claimTexts` for rules, which ask the same of one token again and again: a claim is taken apart once. */
export function claimReader(path: readonly string[]): (token: TokenFacts) => ReadonlySet<string> {
  const name = JSON.stringify(path);
  return (token) => {
    const known = textsOfToken(token);
    let texts = known.get(name);
    if (texts === undefined) {
      texts = new Set(claimTexts(token, path));
      known.set(name, texts);
    }
    return texts;
  };
}

/** A claim that is one text; undefined when it is absent, something else, or a list written with spaces. */
export function claimText(token: TokenFacts, name: string): string | undefined {
  const value = claimAt(token, [name]);
  return typeof value === 'string' && !isDelimited(token, name) ? value : undefined;
}

function claimAt(token: TokenFacts, path: readonly string[]): unknown {
  let value: unknown = token.claims;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value;
}

function isDelimited({ spaceDelimitedClaims }: TokenFacts, name: string | undefined): boolean {
  return name !== undefined && (ALWAYS_DELIMITED.has(name) || spaceDelimitedClaims.includes(name));
}
