import { compileGlob } from '../../policy/match/glob.ts';
import { excerpt } from '../../printable.ts';
import { fail, ok, type Result } from '../../result.ts';

/** Who a rule of the registry is about. */
export type IdentityPattern =
  /** Whoever has proved who they are. */
  | { readonly kind: 'authenticated' }
  /** Whoever asks at all. */
  | { readonly kind: 'everyone' }
  /** Who has proved nothing. */
  | { readonly kind: 'anonymous' }
  /** By SPIFFE ID, name of a token, team, or name of an operator. */
  | { readonly kind: 'spiffe' | 'token' | 'team' | 'operator'; matches(text: string): boolean };

const SPIFFE = /^spiffe:\/\/[a-z0-9._*-]+(?:\/[A-Za-z0-9._*-]+)*$/;
const NAMED = /^(?:(token|team|operator):)?([A-Za-z0-9*](?:[A-Za-z0-9._@*-]{0,126}[A-Za-z0-9*])?)$/;
const MOST_STARS = 16;
const WHAT =
  'must be a SPIFFE ID or a pattern of one (spiffe://cluster/ns/prod/sa/*), team:NAME, token:NAME, operator:NAME, the name of a token, "anonymous" or "*"';

/**
 * Reads whom a rule is about. In a SPIFFE ID `*` stands for a run of characters within one segment of the path, `**` as a
 * whole segment for one segment or more; in names `*` stands for any run of characters.
 */
export function parseIdentityPattern(text: string): Result<IdentityPattern, string> {
  if (text === '*') return ok({ kind: 'everyone' });
  if (text === 'anonymous') return ok({ kind: 'anonymous' });
  if (text.split('*').length - 1 > MOST_STARS) return fail(`must hold at most ${MOST_STARS} "*"`);
  if (text.startsWith('spiffe:')) {
    if (!SPIFFE.test(text)) return fail(`${excerpt(text)} is no SPIFFE ID and no pattern of one`);
    return ok({ kind: 'spiffe', matches: compileSegments(text) });
  }
  const [, kind = 'token', name] = NAMED.exec(text) ?? [];
  if (name === undefined) return fail(WHAT);
  return ok({ kind: kind as 'token' | 'team' | 'operator', matches: compileGlob(name) });
}

/** Compiles a pattern of a path: `*` within a segment, `**` for one segment or more. */
function compileSegments(pattern: string): (text: string) => boolean {
  if (!pattern.includes('*')) return (text) => text === pattern;
  const wanted = pattern.split('/').map((segment) => (segment === '**' ? '**' : compileGlob(segment)));
  return (text) => matchSegments(wanted, text.split('/'));
}

type Segment = '**' | ((text: string) => boolean);

/** Looks at each pair of segments once, whatever the text. */
function matchSegments(wanted: readonly Segment[], given: readonly string[]): boolean {
  /** Which beginnings of `given` the pattern so far can stand for. */
  let reached = new Set([0]);
  for (const segment of wanted) {
    const next = new Set<number>();
    for (const at of reached) {
      if (segment === '**') {
        for (let end = at + 1; end <= given.length; end += 1) next.add(end);
      } else if (at < given.length && segment(given[at] ?? '')) next.add(at + 1);
    }
    reached = next;
  }
  return reached.has(given.length);
}
