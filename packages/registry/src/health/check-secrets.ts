import type { CheckDefinition, CheckKind, HttpCheck } from './check.ts';

type Texts = Readonly<Record<string, string>>;

/** What of an HTTP check is for nobody but who runs it: probes are let in by such things. */
export interface CheckSecrets {
  /** With its "?". */
  readonly query?: string;
  readonly headers?: Texts;
}

/** Shorter values of headers are words that say nothing, and that stand everywhere. */
const SHORTEST_SECRET = 8;
const SEALED = '[sealed]';

export function hasCheckSecrets(checks: readonly Pick<CheckDefinition, 'kind'>[]): boolean {
  return checks.some(({ kind }) => secretsOf(kind) !== undefined);
}

/** The checks without their secrets, and those by the position of their check; null where one has none. */
export function splitCheckSecrets(checks: readonly CheckDefinition[]): {
  readonly open: readonly CheckDefinition[];
  readonly secrets: readonly (CheckSecrets | null)[];
} {
  return {
    open: checks.map((check) => ({ ...check, kind: withoutThem(check.kind) })),
    secrets: checks.map(({ kind }) => secretsOf(kind) ?? null),
  };
}

/** The checks as they were before `splitCheckSecrets`. */
export function joinCheckSecrets(
  checks: readonly CheckDefinition[],
  secrets: readonly (CheckSecrets | null)[],
): readonly CheckDefinition[] {
  return checks.map((check, index) => {
    const { kind } = check;
    const { query = '', headers } = secrets[index] ?? {};
    if (kind.type !== 'http') return check;
    return { ...check, kind: { ...kind, path: kind.path + query, ...(headers === undefined ? {} : { headers }) } };
  });
}

/** What a check said, where the answer or an error repeats what was sent. */
export function withoutCheckSecrets(text: string, kind: CheckKind): string {
  const { query, headers = {} } = secretsOf(kind) ?? {};
  const values = Object.values(headers).filter(({ length }) => length >= SHORTEST_SECRET);
  const masked = query === undefined ? text : text.replaceAll(query, `?${SEALED}`);
  return values.reduce((rest, value) => rest.replaceAll(value, SEALED), masked);
}

function secretsOf(kind: CheckKind): CheckSecrets | undefined {
  if (kind.type !== 'http') return undefined;
  const { headers = {} } = kind;
  const query = queryOf(kind);
  const hasHeaders = Object.keys(headers).length > 0;
  if (query === '' && !hasHeaders) return undefined;
  return { ...(query === '' ? {} : { query }), ...(hasHeaders ? { headers } : {}) };
}

function withoutThem(kind: CheckKind): CheckKind {
  if (kind.type !== 'http') return kind;
  const { headers: _, ...others } = kind;
  return { ...others, path: kind.path.slice(0, kind.path.length - queryOf(kind).length) };
}

/** "" for none, and for a "?" that nothing follows. */
function queryOf({ path }: HttpCheck): string {
  const start = path.indexOf('?');
  return start === -1 || start === path.length - 1 ? '' : path.slice(start);
}
