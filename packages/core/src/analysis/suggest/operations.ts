import type { UsedPath } from './path-tree.ts';

/** What callers did alike: every method at every path. */
export interface SuggestedOperation {
  readonly methods: readonly string[];
  /** Exact paths and templates. */
  readonly paths: readonly string[];
  /** What the templates would let in beside it, and only others did. */
  readonly notPaths: readonly string[];
  readonly requests: number;
}

/** Callers that did exactly the same things, and these. */
export interface SuggestedRule {
  /** Exact principals. */
  readonly principals: readonly string[];
  readonly operations: readonly SuggestedOperation[];
  readonly requests: number;
}

interface Deed {
  readonly path: string;
  readonly method: string;
  readonly notPaths: readonly string[];
  readonly requests: number;
}

/** Rules that together allow what is in the list, each caller its own, and nothing else that templates can tell apart. */
export function rulesFor(paths: readonly UsedPath[]): SuggestedRule[] {
  const deeds = new Map<string, Deed[]>();
  for (const used of paths) {
    const path = templateOf(used);
    const within = used.segments.includes(undefined)
      ? paths.filter((other) => other !== used && covers(used, other))
      : [];
    for (const [method, principals] of used.use) {
      for (const [principal, requests] of principals) {
        const notPaths = within
          .filter(({ use }) => use.get(method)?.has(principal) !== true)
          .map(templateOf)
          .sort();
        const own = deeds.get(principal) ?? [];
        deeds.set(principal, own);
        own.push({ path, method, notPaths, requests });
      }
    }
  }
  return rulesOfCallers([...deeds].map(([principal, own]) => ({ principal, operations: operationsOf(own) })));
}

/** "/orders/{*}" of its segments. */
function templateOf({ segments }: Pick<UsedPath, 'segments'>): string {
  return `/${segments.map((segment) => segment ?? '{*}').join('/')}`;
}

/** Whether every path of one form is of the other form, too. */
function covers(wide: UsedPath, narrow: UsedPath): boolean {
  return (
    wide.segments.length === narrow.segments.length &&
    wide.segments.every((segment, index) => {
      const other = narrow.segments[index];
      return segment === undefined ? other !== '' : segment === other;
    })
  );
}

/** Paths with the same methods together: an operation allows each method at each path. */
function operationsOf(deeds: readonly Deed[]): SuggestedOperation[] {
  const byPath = Map.groupBy(deeds, ({ path, notPaths }) => JSON.stringify([path, notPaths]));
  const places = [...byPath.values()].map((same) => ({
    path: same[0]?.path ?? '',
    notPaths: same[0]?.notPaths ?? [],
    methods: same.map(({ method }) => method).sort(),
    requests: sum(same),
  }));
  const alike = Map.groupBy(places, ({ methods, notPaths }) => JSON.stringify([methods, notPaths]));
  return [...alike.values()]
    .map((same) => ({
      methods: same[0]?.methods ?? [],
      paths: same.map(({ path }) => path).sort(),
      notPaths: same[0]?.notPaths ?? [],
      requests: sum(same),
    }))
    .sort((a, b) => compare(a.paths.join(), b.paths.join()) || compare(a.methods.join(), b.methods.join()));
}

function rulesOfCallers(
  callers: readonly { readonly principal: string; readonly operations: readonly SuggestedOperation[] }[],
): SuggestedRule[] {
  const alike = Map.groupBy(callers, ({ operations }) =>
    JSON.stringify(operations.map(({ methods, paths, notPaths }) => [methods, paths, notPaths])),
  );
  return [...alike.values()]
    .map((same) => {
      const operations = (same[0]?.operations ?? []).map((operation, index) => ({
        ...operation,
        requests: same.reduce((total, { operations: own }) => total + (own[index]?.requests ?? 0), 0),
      }));
      return { principals: same.map(({ principal }) => principal).sort(), operations, requests: sum(operations) };
    })
    .sort((a, b) => compare(a.principals.join(), b.principals.join()));
}

function sum(parts: readonly { readonly requests: number }[]): number {
  return parts.reduce((total, { requests }) => total + requests, 0);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
