import { isTraffic, type Resource, resourceKey, type ResourceProblem, type ServiceName } from '@rampart/core';
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

/** What is to be said of a document's rules about calls, once all of it is applied; errors are reasons to apply nothing. */
export function trafficProblems(
  { resources, placeOf }: Pick<ParsedDocuments, 'resources' | 'placeOf'>,
  { file, rootNamespace, present, isRegistered }: TrafficSurroundings,
): ResourceProblem[] {
  const rules = resources.filter(isTraffic);
  if (rules.length === 0) return [];
  const replaced = new Set(resources.map(resourceKey));
  const others = present()
    .map(({ resource }) => resource)
    .filter((resource) => isTraffic(resource) && !replaced.has(resourceKey(resource)));
  const review = new TrafficReview({ resources: [...others, ...rules], rootNamespace, isRegistered });
  return rules.flatMap((rule) =>
    review.of(rule).map((finding) => {
      const { line = 0, column = 0 } = placeOf(rule, finding.field) ?? {};
      return { ...finding, file, line, column };
    }),
  );
}
