import { RampartError } from '@rampart/core';
import { createFilter, type Filter, type Item } from '../filter/filter.ts';

/** The filter of `?filter=`; everything where there is none. @throws RampartError INVALID_ARGUMENT. */
export function filterOf(query: URLSearchParams, shape: Item): Filter {
  const text = query.get('filter');
  if (text === null || text === '') return () => true;
  const filter = createFilter(text, shape);
  if (!filter.ok) throw new RampartError('INVALID_ARGUMENT', `Failed to parse filter: ${filter.problem}`);
  return filter.value;
}

/** Whether the pairs of `?node-meta=key:value` are all among what is known of a node. */
export function nodeMetaFilter(query: URLSearchParams): (meta: Readonly<Record<string, string>>) => boolean {
  const pairs = query.getAll('node-meta').map((pair) => {
    const colon = pair.indexOf(':');
    return colon === -1 ? ([pair, ''] as const) : ([pair.slice(0, colon), pair.slice(colon + 1)] as const);
  });
  return (meta) => pairs.every(([key, value]) => Object.hasOwn(meta, key) && meta[key] === value);
}
