import { parseResource, type ResourceKind } from '@rampart/core';
import type { StoredResource } from '@rampart/wire';
import { renderSpan } from '../render/moment.ts';
import type { OutputFormat } from '../render/output.ts';
import { columnsOf, renderTable } from '../render/table.ts';
import { KIND_COLUMNS } from './resource-columns.ts';

/** Resources of one kind as a table; `now` is Unix milliseconds. */
export function renderStoredResources(kind: ResourceKind, resources: readonly StoredResource[], now: number): string {
  const { namespaced, headings, cells } = KIND_COLUMNS[kind];
  return renderTable(
    columnsOf(...(namespaced ? ['NAMESPACE'] : []), 'NAME', ...headings, '>AGE'),
    resources.map((stored) => {
      const parsed = parseResource(JSON.parse(stored.json));
      return [
        ...(namespaced ? [stored.namespace] : []),
        stored.name,
        // A control plane of a newer version may hold what this one cannot read; its name is shown all the same.
        ...(parsed.ok ? cells(parsed.value) : headings.map(() => '?')),
        stored.createdAt === 0n ? '' : renderSpan(now - Number(stored.createdAt)),
      ];
    }),
  );
}

/** Resources as data that `rampart apply -f -` takes back: one document, or a List of them. */
export function resourceDocuments(
  resources: readonly StoredResource[],
  shape: { readonly single: boolean; readonly format: OutputFormat },
): unknown {
  const items = resources.map(({ json }): unknown => JSON.parse(json));
  return shape.single && items.length === 1 ? items[0] : { apiVersion: 'v1', kind: 'List', items };
}
