import { parseResource, RampartError, type Resource, resourceKey, toJson } from '@rampart/core';

/** A resource in all forms in which it is held. Making them is most of what a large change costs. */
export interface FormedResource {
  /** "Kind/namespace/name". */
  readonly key: string;
  readonly resource: Resource;
  /** Canonical JSON. */
  readonly json: string;
  /** The same, as it goes over the wire. */
  readonly bytes: Uint8Array;
  /** Unix milliseconds of its first application. */
  readonly createdAt: number;
}

const UTF8 = new TextEncoder();

/** Of a resource that has its time of creation. */
export function formed(resource: Resource, json: string = toJson(resource)): FormedResource {
  const { createdAt } = resource.metadata;
  if (createdAt === undefined) {
    throw new RampartError('INTERNAL', 'BUG: a resource without its time of creation');
  }
  return formedOf({ key: resourceKey(resource), json, createdAt });
}

/** @throws RampartError STORAGE_FAILED when it cannot be read. */
export function formedOf(record: Pick<FormedResource, 'key' | 'json' | 'createdAt'>): FormedResource {
  const { key, json, createdAt } = record;
  const parsed = parseResource(JSON.parse(json));
  if (!parsed.ok) {
    const why = parsed.problem.map(({ field, message }) => `${field}: ${message}`).join('; ');
    throw new RampartError(
      'STORAGE_FAILED',
      `stored resource ${key} cannot be read (${why}); was it written by a newer version?`,
    );
  }
  return { key, json, createdAt, resource: parsed.value, bytes: UTF8.encode(json) };
}
