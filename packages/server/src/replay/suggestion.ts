import { type Clock, meshSettingsOf, RampartError, type ServiceName } from '@rampart/core';
import { suggestionDocument, type SuggestedPolicies, TrafficSample } from '@rampart/core/analysis';
import type { ResourceSet } from '../resources/resource-set.ts';
import { AttestedWorkloads, type AttestedWorkloadsOptions } from './attested-workloads.ts';
import { TimeSlices } from '../time-slices.ts';
import { readTraffic, type TrafficSource } from './traffic-reader.ts';

export interface SuggestionParts extends TrafficSource, AttestedWorkloadsOptions {
  readonly resources: ResourceSet;
  readonly rootNamespace: string;
  readonly clock: Clock;
}

export interface SuggestionRequest {
  readonly service: ServiceName;
  /** Unix milliseconds. */
  readonly since: number;
  readonly signal: AbortSignal;
}

export type SuggestionStep =
  | { readonly progress: { readonly records: number; readonly total: number } }
  | { readonly suggestion: SuggestedPolicies; readonly yaml: string };

type Labels = Readonly<Record<string, string>>;

const SCHEME = 'spiffe://';
/** Beyond this a policy would be longer than anybody reads, or the control plane takes. */
const MOST_PATHS = 5000;
/** Labels that name a workload and stay the same from one version of it to the next, the usual first. */
const NAMING_LABELS = ['app', 'app.kubernetes.io/name', 'k8s-app'];

/** Learns from what is on record who calls a service and how, in slices; ends with policies that allow exactly that. */
export async function* suggest(parts: SuggestionParts, request: SuggestionRequest): AsyncGenerator<SuggestionStep> {
  const { service, since, signal } = request;
  const workloads = new AttestedWorkloads(parts);
  const resources = parts.resources.all().map(({ resource }) => resource);
  const { pathNormalization } = meshSettingsOf(resources, parts.rootNamespace);
  const sample = new TrafficSample({ service, since, pathNormalization });
  for await (const { records, progress } of readTraffic(parts, since, new TimeSlices(parts.clock, signal))) {
    for (const record of records) {
      const principal = record.destination_principal.slice(SCHEME.length);
      await workloads.learn(principal);
      // Only those that are the service say what was asked of it.
      if (workloads.serves(principal, service)) {
        sample.add(record);
      }
    }
    if (sample.size > MOST_PATHS) {
      throw new RampartError(
        'INVALID_ARGUMENT',
        `more than ${MOST_PATHS} different paths of ${nameOf(service)} are on record, and they have too little in common for templates: ` +
          'take a shorter time with --since, or write the policy by hand',
      );
    }
    yield { progress };
  }
  if (sample.requests === 0) {
    throw new RampartError(
      'NOT_FOUND',
      `no request to ${nameOf(service)} that was allowed over mutual TLS is on record since ${new Date(Math.max(0, since)).toISOString()}`,
    );
  }
  const suggestion = sample.suggest(selectorOf(service, labelsOf(sample, workloads)));
  yield { suggestion, yaml: suggestionDocument(suggestion, since) };
}

function labelsOf(sample: TrafficSample, workloads: AttestedWorkloads): readonly Labels[] {
  return sample.destinations.flatMap((principal) => workloads.labelsOf(principal, ''));
}

/** Labels that all workloads of the service have: the one that names it, or all they share. */
function selectorOf(service: ServiceName, workloads: readonly Labels[]): Labels {
  const shared = Object.entries(workloads[0] ?? {}).filter(([name, value]) =>
    workloads.every((labels) => labels[name] === value),
  );
  const naming = NAMING_LABELS.flatMap((name) => shared.filter(([shared]) => shared === name)).slice(0, 1);
  const selector = Object.fromEntries(naming.length > 0 ? naming : shared);
  if (Object.keys(selector).length === 0) {
    throw new RampartError(
      'INVALID_ARGUMENT',
      `workloads of ${nameOf(service)} have no label in common that a policy could select them by: give them one, such as app`,
    );
  }
  return selector;
}

function nameOf({ name, namespace }: ServiceName): string {
  return `${name}.${namespace}`;
}
