import { fail, ok, type Result } from '../../result.ts';
import { excerpt } from '../../printable.ts';

/** A path with `{*}` and `{**}` in it (istio `security.CheckValidPathTemplate`, Envoy URI templates). */
export interface PathTemplate {
  /** Segments from the first "/" up to `{**}`; undefined stands for `{*}`. */
  readonly segments: readonly (string | undefined)[];
  /** What follows `{**}`; undefined when there is no `{**}` and the path must end with the segments. */
  readonly suffix: string | undefined;
}

const ONE = '{*}';
const ANY = '{**}';
/** RFC 3986 pchar without the wildcards. */
const LITERAL = /^[A-Za-z0-9\-._~%!$&'()+,;:@=]+$/;

/** Reads a value of `paths`: undefined for a plain value (exact, prefix, suffix, presence), else its template. */
export function parsePathPattern(text: string): Result<PathTemplate | undefined, string> {
  if (!isPathTemplate(text)) {
    return /[{}]/.test(text)
      ? fail(`${excerpt(text)}: "{" and "}" are for the operators {*} and {**} only`)
      : ok(undefined);
  }
  if (!text.startsWith('/')) return fail(`${excerpt(text)}: a path template must start with "/"`);
  const problem = templateProblem(text);
  return problem === undefined ? ok(compile(text)) : fail(`${excerpt(text)}: ${problem}`);
}

/** Whether a value of `paths` uses the operators of templates. */
export function isPathTemplate(text: string): boolean {
  return text.includes(ONE) || text.includes(ANY);
}

/** Whether the path has the template's form. Linear in the path. */
export function matchesTemplate(template: PathTemplate, path: string): boolean {
  let position = 0;
  for (const segment of template.segments) {
    if (path[position] !== '/') return false;
    const slash = path.indexOf('/', position + 1);
    const end = slash === -1 ? path.length : slash;
    if (segment === undefined ? end === position + 1 : !isSegment(path, { start: position + 1, end }, segment))
      return false;
    position = end;
  }
  if (template.suffix === undefined) return position === path.length;
  return (
    path[position] === '/' && path.length >= position + 1 + template.suffix.length && path.endsWith(template.suffix)
  );
}

function isSegment(
  path: string,
  { start, end }: { readonly start: number; readonly end: number },
  segment: string,
): boolean {
  return end - start === segment.length && path.startsWith(segment, start);
}

function templateProblem(text: string): string | undefined {
  let afterAny = false;
  for (const segment of text.replace(/^\/+|\/+$/g, '').split('/')) {
    if (segment === ONE || segment === ANY) {
      if (afterAny) return '{**} must be the last operator';
      afterAny = segment === ANY;
    } else if (/[{}]/.test(segment)) return 'the operators {*} and {**} must each be a whole segment';
    else if (segment.includes('*')) return '"*" cannot be used together with {*} or {**}';
    else if (!LITERAL.test(segment)) return `segment ${excerpt(segment)} holds a character that a path cannot have`;
  }
  return undefined;
}

function compile(text: string): PathTemplate {
  const any = text.indexOf(`/${ANY}`);
  const head = any === -1 ? text : text.slice(0, any);
  const segments = head.split('/').slice(1);
  return {
    segments: segments.map((segment) => (segment === ONE ? undefined : segment)),
    suffix: any === -1 ? undefined : text.slice(any + 1 + ANY.length),
  };
}
