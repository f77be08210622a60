import { matchesLabelSelector } from '@rampart/core';
import { isUsable } from '../health/instance-state.ts';
import type { Locality } from '../store.ts';
import type { DiscoveredInstance, DiscoveryQuery, WatchScope } from './discovery.ts';

/** Undefined when everything is meant, so that nobody needs to ask. */
export type Filter = ((instance: DiscoveredInstance) => boolean) | undefined;

/** What instances of the service itself must be. */
export function filterOf({ tag, tags, selector, health = 'any' }: DiscoveryQuery): Filter {
  const wanted = [...(tag === undefined ? [] : [tag]), ...(tags ?? [])];
  if (wanted.length === 0 && selector === undefined && health === 'any') return undefined;
  return ({ tags: own, labels, state }) =>
    (health === 'any' || (isUsable(state) && (health === 'usable' || state.health === 'passing'))) &&
    wanted.every((one) => own.includes(one)) &&
    (selector === undefined || matchesLabelSelector(selector, labels));
}

/** The same, of a watch. */
export function filterOfScope(scope: WatchScope): Filter {
  return scope === 'all' || scope.service === undefined ? undefined : filterOf(scope);
}

/** What is near comes first; among equals the order stays. */
export function byNearness(
  instances: readonly DiscoveredInstance[],
  { region, zone }: Locality,
): readonly DiscoveredInstance[] {
  const rank = ({ locality }: DiscoveredInstance): number => {
    if (locality?.region !== region) return 2;
    return zone === undefined || locality.zone === zone ? 0 : 1;
  };
  return instances.toSorted((a, b) => rank(a) - rank(b));
}
