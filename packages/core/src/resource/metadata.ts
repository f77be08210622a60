import type { Cursor } from './cursor.ts';
import type { ResourceMeta } from './resource.ts';

/** RFC 1123 subdomain, as Kubernetes asks of names. */
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
const NAMESPACE = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const MAX_NAME = 253;
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

interface MetadataFields {
  name: string;
  namespace: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  creationTimestamp: number;
  uid: true;
  resourceVersion: true;
  generation: true;
  selfLink: true;
  managedFields: true;
  ownerReferences: true;
  finalizers: true;
}

/** What Kubernetes writes into `metadata` by itself, so that `kubectl get -o yaml` output can be applied as it is. */
const ignored = (): true => true;

export function readMetadata(at: Cursor, defaultNamespace: string): ResourceMeta | undefined {
  const fields = at.fields<MetadataFields>({
    name: readName,
    namespace: readNamespace,
    labels: readStrings,
    annotations: readStrings,
    creationTimestamp: readTimestamp,
    uid: ignored,
    resourceVersion: ignored,
    generation: ignored,
    selfLink: ignored,
    managedFields: ignored,
    ownerReferences: ignored,
    finalizers: ignored,
  });
  if (fields === undefined) return undefined;
  if (at.child('name').value === undefined) at.error('has no name: add metadata.name');
  const { name, namespace = defaultNamespace, labels = {}, annotations = {}, creationTimestamp } = fields;
  if (name === undefined) return undefined;
  return {
    name,
    namespace,
    labels,
    annotations,
    ...(creationTimestamp === undefined ? {} : { createdAt: creationTimestamp }),
  };
}

function readName(at: Cursor): string | undefined {
  const name = at.text();
  if (name === undefined || (name.length <= MAX_NAME && NAME.test(name))) return name;
  return at.error('must be a DNS name: lower-case letters, digits, "-" and ".", at most 253 characters');
}

function readNamespace(at: Cursor): string | undefined {
  const name = at.text();
  if (name === undefined || NAMESPACE.test(name)) return name;
  return at.error('must be a DNS label: lower-case letters, digits and "-", at most 63 characters');
}

function readStrings(at: Cursor): Record<string, string> | undefined {
  const keys = at.keys('an object of strings');
  if (keys === undefined) return undefined;
  const entries: [string, string][] = [];
  for (const key of keys) {
    const child = at.child(key);
    const value = child.value === '' ? '' : child.text();
    if (value !== undefined) entries.push([key, value]);
  }
  return Object.fromEntries(entries);
}

function readTimestamp(at: Cursor): number | undefined {
  const text = at.text('an RFC 3339 time');
  if (text === undefined) return undefined;
  const time = RFC3339.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? at.error('must be an RFC 3339 time such as 2026-01-31T12:00:00Z') : time;
}
