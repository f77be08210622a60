import {
  isTraffic,
  qualifiedName,
  RampartError,
  type RequestSignaturePolicy,
  type Resource,
  resourceKey,
  type ResourceProblem,
  type ServiceName,
  type TrafficResource,
} from '@rampart/core';
import { tolerated, type TrafficFinding, TrafficReview } from '@rampart/core/analysis';
import type { ParsedDocuments } from '@rampart/core/documents';

export interface TrafficSurroundings {
  /** Name of the document. */
  readonly file: string;
  readonly rootNamespace: string;
  /** What is in force before the document is applied. */
  present(): readonly { readonly resource: Resource }[];
  /** Whether the registry has had an instance of a service. */
  isRegistered(service: ServiceName): boolean;
  /** Ports that its instances serve now; empty where nobody knows. */
  servedPorts(service: ServiceName): ReadonlySet<number>;
}

interface Application extends TrafficSurroundings {
  /** Whether what is not there yet is worth a warning only. */
  readonly allowUnknownServices: boolean;
}

/**
 * What is to be said of a document's rules about calls, once all of it is applied, and of those in force that it would break;
 * errors are reasons to apply nothing.
 */
export function trafficProblems(
  { resources, placeOf }: Pick<ParsedDocuments, 'resources' | 'placeOf'>,
  { file, present, allowUnknownServices, ...registry }: Application,
): ResourceProblem[] {
  const reviewed = resources.filter(isReviewed);
  if (reviewed.length === 0) return [];
  const rules = resources.filter(isTraffic);
  const held = present().map(({ resource }) => resource);
  const before = held.filter(isTraffic);
  const surroundings = { ...registry, declaring: [...held, ...resources].filter((each) => !isTraffic(each)) };
  const replaced = new Set(resources.map(resourceKey));
  const others = before.filter((resource) => !replaced.has(resourceKey(resource)));
  const after = [...others, ...rules];
  const review = reviewOf(after, surroundings);
  const judged = judge({
    allowUnknownServices,
    before: held.filter(isReviewed),
    review: reviewOf(before, surroundings),
  });
  const own = reviewed.flatMap((rule) => review.of(rule).map((finding) => ({ rule, finding: judged(rule, finding) })));
  const problems = own.map(({ rule, finding: { severity, code, message, field } }): ResourceProblem => {
    const { line = 0, column = 0 } = placeOf(rule, field) ?? {};
    return { severity, code, message, file, line, column, field };
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
  const held = present().map(({ resource }) => resource);
  const staying = held.filter(isTraffic).filter((each) => keys.has(resourceKey(each)) || !all.has(resourceKey(each)));
  const after = staying.filter((each) => !keys.has(resourceKey(each)));
  const declaring = held.filter((each) => !isTraffic(each));
  const broken = brokenBy({ before: staying, after, declaring, ...surroundings });
  if (broken.length === 0) return;
  throw new RampartError(
    'INVALID_ARGUMENT',
    `nothing was deleted: ${broken.join('; ')}. Change or delete that first, or delete both at once`,
  );
}

interface Review extends Omit<TrafficSurroundings, 'file' | 'present'> {
  /** What says which services will be there. */
  readonly declaring: readonly Resource[];
}

function reviewOf(rules: readonly TrafficResource[], { declaring, ...registry }: Review): TrafficReview {
  return new TrafficReview({ resources: [...declaring, ...rules], ...registry });
}

type Reviewed = TrafficResource | RequestSignaturePolicy;

/** What says something of the calls to services. */
function isReviewed(resource: Resource): resource is Reviewed {
  return isTraffic(resource) || resource.kind === 'RequestSignaturePolicy';
}

interface Judgement {
  readonly allowUnknownServices: boolean;
  readonly before: readonly Reviewed[];
  /** Of what is in force. */
  readonly review: TrafficReview;
}

/** What was taken once is taken again: a service that has been away for long is no reason to refuse the rule that is there. */
function judge({
  allowUnknownServices,
  before,
  review,
}: Judgement): (rule: Reviewed, finding: TrafficFinding) => TrafficFinding {
  return (rule, finding) => {
    if (finding.isAbsence !== true) return finding;
    if (allowUnknownServices) return tolerated(finding);
    const old = before.find((each) => resourceKey(each) === resourceKey(rule));
    const wasSaid = old !== undefined && review.of(old).some(({ message }) => message === finding.message);
    return wasSaid ? tolerated(finding) : finding;
  };
}

interface Change extends Review {
  readonly before: readonly TrafficResource[];
  readonly after: readonly TrafficResource[];
}

/** What is wrong with rules after a change that was not before it, where they send requests. */
function brokenBy({ before, after, ...surroundings }: Change): string[] {
  const problemsOf = (resources: readonly TrafficResource[]): ReadonlyMap<string, string> => {
    const review = reviewOf(resources, surroundings);
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
