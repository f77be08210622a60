import { fail, ok, type Result } from '../result.ts';

/** How much of a path is brought into one form before policies see it (Istio `meshConfig.pathNormalization`). */
export type PathNormalization = 'NONE' | 'BASE' | 'MERGE_SLASHES' | 'DECODE_AND_MERGE_SLASHES';

const QUESTION_MARK = 0x3f;
const PERCENT = 0x25;
const BACKSLASH = 0x5c;
const SLASH = 0x2f;
const DOT = 0x2e;
const HASH = 0x23;
const FIRST_VISIBLE = 0x21;
const LAST_VISIBLE = 0x7e;

/**
 * Brings the path of a request target (RFC 9112 §3.2.1 origin form, or "*") into the form that policies are written
 * for, the same form the service must then be given. BASE: `\` becomes `/`, escapes of unreserved characters are decoded
 * (RFC 3986 §6.2.2.2), dot segments are removed (§5.2.4). The query stays as it is. Nothing is ever decoded twice, and a
 * second pass changes nothing. Refused: `%00`, a fragment, a target that is no path, and anywhere in it what a URI cannot
 * hold (RFC 3986 §2): HTTP/1.1 parsers refuse that, HTTP/2 would carry it. A target that already has the form is given back
 * as it is.
 */
export function normalizePath(raw: string, mode: PathNormalization = 'BASE'): Result<string, string> {
  if (raw === '*') return ok(raw);
  if (raw.charCodeAt(0) !== SLASH) return fail('the request target must be a path that starts with "/"');
  const found = inspect(raw);
  const { end } = found;
  if (raw.charCodeAt(end) === HASH) return fail('the request target must not have a fragment');
  if (found.hasNul) return fail('the path must not hold a NUL character');
  if (!found.isVisible || !isVisible(raw, end)) {
    return fail('the request target must be visible ASCII: other characters are sent as escapes (%C3%A9)');
  }
  if (mode === 'NONE' || !(found.needsBase || (mode !== 'BASE' && found.hasDoubleSlash))) return ok(raw);
  return ok(rewrite(raw.slice(0, end), mode) + raw.slice(end));
}

/** The path of a request target, without its query: what policies compare. */
export function pathOf(target: string): string {
  const end = target.indexOf('?');
  return end === -1 ? target : target.slice(0, end);
}

interface Inspection {
  /** Where the path ends. */
  readonly end: number;
  readonly hasNul: boolean;
  /** It is visible ASCII. */
  readonly isVisible: boolean;
  readonly needsBase: boolean;
  readonly hasDoubleSlash: boolean;
}

function inspect(raw: string): Inspection {
  let hasNul = false;
  let isVisible = true;
  let needsBase = false;
  let hasDoubleSlash = false;
  let previous = 0;
  let end = 0;
  for (; end < raw.length; end += 1) {
    const code = raw.charCodeAt(end);
    if (code === QUESTION_MARK || code === HASH) break;
    if (code === PERCENT) {
      needsBase = true;
      hasNul ||= raw.startsWith('00', end + 1);
    } else if (code === BACKSLASH || (code === DOT && previous === SLASH)) needsBase = true;
    else if (code === SLASH && previous === SLASH) hasDoubleSlash = true;
    else if (code < FIRST_VISIBLE || code > LAST_VISIBLE) {
      isVisible = false;
      hasNul ||= code === 0;
    }
    previous = code;
  }
  return { end, hasNul, isVisible, needsBase, hasDoubleSlash };
}

function isVisible(text: string, from: number): boolean {
  for (let index = from; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < FIRST_VISIBLE || code > LAST_VISIBLE) return false;
  }
  return true;
}

function rewrite(path: string, mode: PathNormalization): string {
  const slashes = mode === 'DECODE_AND_MERGE_SLASHES' ? path.replace(/%(?:2f|5c)/gi, '/') : path;
  const clean = removeDotSegments(decodeUnreserved(slashes.replaceAll('\\', '/')));
  return mode === 'BASE' ? clean : clean.replace(/\/{2,}/g, '/');
}

const ESCAPE = /%([0-9A-Fa-f]{2})/g;
const UNRESERVED = /[A-Za-z0-9._~-]/;
const HEX = /[0-9A-Fa-f]/;

/** Decodes in one pass; an escape whose decoding would complete another escape ("%%32e") stays as it is. */
function decodeUnreserved(path: string): string {
  if (!path.includes('%')) return path;
  let result = '';
  // The last two characters of the result. Reading them from there would copy all of it for each escape.
  let tail = '';
  let from = 0;
  for (const match of path.matchAll(ESCAPE)) {
    const character = String.fromCharCode(Number.parseInt(match[1] ?? '', 16));
    const before = path.slice(from, match.index);
    tail = `${tail}${before.slice(-2)}`.slice(-2);
    from = match.index + match[0].length;
    const completes = HEX.test(character) && /%[0-9A-Fa-f]?$/.test(tail);
    const decoded = UNRESERVED.test(character) && !completes ? character : match[0];
    tail = `${tail}${decoded}`.slice(-2);
    result += before + decoded;
  }
  return result + path.slice(from);
}

function removeDotSegments(path: string): string {
  if (!path.includes('/.')) return path;
  const kept: string[] = [];
  const segments = path.split('/').slice(1);
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
    if (isLast && (segment === '.' || segment === '..')) kept.push('');
  }
  return `/${kept.join('/')}`;
}
