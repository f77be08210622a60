import {
  isTraffic,
  qualifiedName,
  RampartError,
  type Resource,
  resourceKey,
  type ResourceProblem,
  type ServiceName,
  type TrafficResource,
} from '@rampart/core';
import { TrafficReview } from '@rampart/core/analysis';
import type { ParsedDocuments } from '@rampart/core/documents';

export interface TrafficSurroundings {
  /** Name of the document. */
  readonly file: string;
  readonly rootNamespace: string;
  /** What is in force before the document is applied. */
  present(): readonly { readonly resource: Resource }[];
  /** Whether the registry has had an instance of a service. */
  isRegistered(service: ServiceName): boolean;
}

/**
 * What is to be said of a document's rules about calls, once all of it is applied, and of those in force that it would break;
 * errors are reasons to apply nothing.
 */
export function trafficProblems(
  { resources, placeOf }: Pick<ParsedDocuments, 'resources' | 'placeOf'>,
  { file, present, ...surroundings }: TrafficSurroundings,
): ResourceProblem[] {
  const rules = resources.filter(isTraffic);
  if (rules.length === 0) return [];
  const before = present()
    .map(({ resource }) => resource)
    .filter(isTraffic);
  const replaced = new Set(resources.map(resourceKey));
  const others = before.filter((resource) => !replaced.has(resourceKey(resource)));
  const after = [...others, ...rules];
  const review = new TrafficReview({ resources: after, ...surroundings });
  const own = rules.flatMap((rule) => review.of(rule).map((finding) => ({ rule, finding })));
  const problems = own.map(({ rule, finding }): ResourceProblem => {
    const { line = 0, column = 0 } = placeOf(rule, finding.field) ?? {};
    return { ...finding, file, line, column };
  });
  if (problems.some(({ severity }) => severity === 'error')) return problems;
  const causes = rules.filter(({ kind }) => kind === 'DestinationRule');
  const breaks = (cause: TrafficResource): ResourceProblem[] => {
    const field = 'spec';
    const { line = 0, column = 0 } = placeOf(cause, field) ?? {};
    const old = before.find((each) => resourceKey(each) === resourceKey(cause));
    const without = [...after.filter((each) => each !== cause), ...(old === undefined ? [] : [old])];
    return brokenBy({ before: without, after, ...surroundings }).map((message): ResourceProblem => ({
      severity: 'error',
      code: 'INVALID_RESOURCE',
      message: `${message}; change that first, or in the same document`,
      file,
      line,
      column,
      field,
    }));
  };
  return [...problems, ...causes.flatMap(breaks)];
}

/**
 * Refuses to delete what rules that stay send requests by: each of those requests would be answered 503.
 *
 * @throws RampartError INVALID_ARGUMENT, with the rules that would be left without it.
 */
export function refuseToBreak(
  gone: readonly { readonly key: string; readonly resource: Resource }[],
  { present, ...surroundings }: Omit<TrafficSurroundings, 'file'>,
): void {
  // What lets requests out of the mesh can be taken away at once, whatever goes by it.
  const keys = new Set(gone.filter(({ resource }) => resource.kind === 'DestinationRule').map(({ key }) => key));
  if (keys.size === 0) return;
  const all = new Set(gone.map(({ key }) => key));
  const staying = present()
    .map(({ resource }) => resource)
    .filter(isTraffic)
    .filter((each) => keys.has(resourceKey(each)) || !all.has(resourceKey(each)));
  const after = staying.filter((each) => !keys.has(resourceKey(each)));
  const broken = brokenBy({ before: staying, after, ...surroundings });
  if (broken.length === 0) return;
  throw new RampartError(
    'INVALID_ARGUMENT',
    `nothing was deleted: ${broken.join('; ')}. Change or delete that first, or delete both at once`,
  );
}

interface Change extends Pick<TrafficSurroundings, 'rootNamespace' | 'isRegistered'> {
  readonly before: readonly TrafficResource[];
  readonly after: readonly TrafficResource[];
}

/** What is wrong with rules after a change that was not before it, where they send requests. */
function brokenBy({ before, after, ...surroundings }: Change): string[] {
  const problemsOf = (resources: readonly TrafficResource[]): ReadonlyMap<string, string> => {
    const review = new TrafficReview({ resources, ...surroundings });
    return new Map(
      after
        .filter(({ kind }) => kind === 'VirtualService')
        .flatMap((rule) =>
          review
            .of(rule)
            .filter(({ severity }) => severity === 'error')
            .map(({ field, message }) => [`VirtualService ${qualifiedName(rule)} ${field}`, message] as const),
        ),
    );
  };
  const known = problemsOf(before);
  return [...problemsOf(after)].filter(([place]) => !known.has(place)).map((problem) => problem.join(': '));
}
