import { matchesLabels, type Resource } from '@rampart/core';
import type { RegisteredInstance } from '@rampart/wire';
import type { Palette } from '../../render/colour.ts';
import { columnsOf, renderTable } from '../../render/table.ts';
import { addressOf, labelsText } from '../registry/instance-view.ts';

/** A subset that a DestinationRule makes of a service's instances. */
export interface DescribedSubset {
  readonly name: string;
  /** "shop/orders-api", the rule. */
  readonly rule: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly instances: readonly RegisteredInstance[];
}

export function subsetsOf(
  resources: readonly Resource[],
  instances: readonly RegisteredInstance[],
): readonly DescribedSubset[] {
  return resources.flatMap((resource) => {
    if (resource.kind !== 'DestinationRule') return [];
    const { metadata, spec } = resource;
    return (spec.subsets ?? []).map(({ name, labels = {} }) => ({
      name,
      rule: `${metadata.namespace}/${metadata.name}`,
      labels,
      instances: instances.filter((instance) => matchesLabels(labels, instance.labels)),
    }));
  });
}

/** One line a subset, with the addresses of its instances. */
export function renderSubsets(subsets: readonly DescribedSubset[], palette: Palette): string {
  return renderTable(
    columnsOf('SUBSET', 'RULE', 'LABELS', 'INSTANCES'),
    subsets.map(({ name, rule, labels, instances }) => [
      name,
      rule,
      labelsText(labels),
      instances.length === 0
        ? { text: 'none: requests to it are answered 503', paint: palette.bad }
        : instances.map(addressOf).join(', '),
    ]),
  );
}

export function subsetData({ name, rule, labels, instances }: DescribedSubset): object {
  return { name, rule, labels, instances: instances.map(({ instanceId }) => instanceId) };
}
