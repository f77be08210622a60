import type { Cursor } from '../../cursor.ts';
import { readSelector, type WorkloadSelector } from '../../selector.ts';
import { readSubsetName } from '../destination.ts';
import { listOf, need } from '../document-form.ts';
import { readExportTo } from '../export-to.ts';
import { readRuleHost } from '../host.ts';
import { readLabels } from '../labels.ts';
import { readTrafficPolicy, type TrafficPolicy } from './traffic-policy.ts';

/** How requests that were routed to a service are sent (istio/api `networking/v1alpha3 DestinationRule`). */
export interface DestinationRuleSpec {
  /** In lower case; a short name is a service of the rule's own namespace, "*.example.com" stands for many. */
  readonly host: string;
  readonly trafficPolicy?: TrafficPolicy;
  readonly subsets?: readonly Subset[];
  /** Namespaces whose callers it is for; "." is its own; absent: all that its place lets it be for. */
  readonly exportTo?: readonly string[];
  /** Callers that it is for, in its own namespace; absent: all of them. */
  readonly workloadSelector?: WorkloadSelector;
}

/** Some of the instances, by their labels; where it says nothing of them, the policy of the whole service holds. */
export interface Subset {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly trafficPolicy?: TrafficPolicy;
}

const MOST_SUBSETS = 1000;

export function readDestinationRuleSpec(at: Cursor): DestinationRuleSpec | undefined {
  const fields = at.fields<DestinationRuleSpec>({
    host: readRuleHost,
    trafficPolicy: readTrafficPolicy,
    subsets: listOf(readSubset, MOST_SUBSETS, 'a list of subsets'),
    exportTo: readExportTo,
    workloadSelector: readSelector,
  });
  need(at, 'host');
  checkNames(at.child('subsets'));
  if (fields !== undefined && ['trafficPolicy', 'subsets'].every((name) => at.child(name).value === undefined)) {
    at.warning('says nothing: it has neither a trafficPolicy nor subsets');
  }
  const { host, ...rest } = fields ?? {};
  return host === undefined ? undefined : { ...rest, host };
}

function readSubset(at: Cursor): Subset | undefined {
  const fields = at.fields<Subset>({ name: readSubsetName, labels: readLabels, trafficPolicy: readTrafficPolicy });
  need(at, 'name');
  const { name, ...rest } = fields ?? {};
  return name === undefined ? undefined : { ...rest, name };
}

function checkNames(at: Cursor): void {
  const seen = new Set<unknown>();
  for (const item of Array.isArray(at.value) ? (at.items() ?? []) : []) {
    const name = item.child('name');
    if (name.value !== undefined && seen.has(name.value)) name.error('is the name of another subset of this list');
    seen.add(name.value);
  }
}
