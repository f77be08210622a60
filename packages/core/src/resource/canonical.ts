import { writeSpec } from './kinds.ts';
import type { Resource } from './resource.ts';

/** The resource as JSON with its keys in one order: equal resources give equal text. Reads back through `parseResource`. */
export function toJson(resource: Resource): string {
  return JSON.stringify(toDocument(resource));
}

/** The resource as a plain object in the form of its document, keys in one order. */
export function toDocument(resource: Resource): Record<string, unknown> {
  const { name, namespace, labels, annotations, createdAt } = resource.metadata;
  return {
    apiVersion: resource.apiVersion,
    kind: resource.kind,
    metadata: {
      name,
      ...(namespace === '' ? {} : { namespace }),
      ...(Object.keys(labels).length > 0 ? { labels: sorted(labels) } : {}),
      ...(Object.keys(annotations).length > 0 ? { annotations: sorted(annotations) } : {}),
      ...(createdAt === undefined ? {} : { creationTimestamp: new Date(createdAt).toISOString() }),
    },
    spec: sorted(writeSpec(resource)),
  };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, child]) => [key, sorted(child)]));
}
