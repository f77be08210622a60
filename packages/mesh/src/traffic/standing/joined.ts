import type { TrafficStanding } from './standing.ts';

/** What several parts of a workload give no requests to, as one: each has instances and breakers of its own in sight. */
export function joined(parts: readonly TrafficStanding[]): TrafficStanding {
  return {
    // Out until the last one gives it requests again.
    ejected: byKey(
      parts.flatMap(({ ejected }) => ejected),
      ({ instanceId }) => instanceId,
      (one, other) => (one.until < other.until ? other : one),
    ),
    breakers: byKey(
      parts.flatMap(({ breakers }) => breakers),
      ({ namespace, service, subset }) => `${namespace}/${service}/${subset}`,
      (one) => one,
    ),
    retried: byKey(
      parts.flatMap(({ retried }) => retried),
      ({ namespace, service }) => `${namespace}/${service}`,
      (one, other) => ({ ...one, lately: one.lately + other.lately }),
    ),
  };
}

function byKey<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  join: (one: Item, other: Item) => Item,
): Item[] {
  const known = new Map<string, Item>();
  for (const item of items) {
    const key = keyOf(item);
    const before = known.get(key);
    known.set(key, before === undefined ? item : join(before, item));
  }
  return [...known.values()];
}
