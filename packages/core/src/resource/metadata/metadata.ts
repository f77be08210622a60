import type { Cursor } from '../cursor.ts';
import { labelNameProblem, labelValueProblem } from './label-syntax.ts';
import type { ResourceMeta } from '../resource.ts';

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

/** Where a kind lives: in a namespace, in none, in the root namespace of the mesh, or once there. */
export type MetadataScope = 'namespace' | 'cluster' | 'root' | 'mesh';

/** What resources get that do not say it themselves. */
export interface NamespaceDefaults {
  readonly defaultNamespace: string;
  /** Where the mesh keeps what holds everywhere; undefined where it is not known, and not checked. */
  readonly rootNamespace: string | undefined;
}

const MESH_NAME = 'default';

/** What Kubernetes writes into `metadata` by itself, so that `kubectl get -o yaml` output can be applied as it is. */
const ignored = (): true => true;

export function readMetadata(at: Cursor, scope: MetadataScope, defaults: NamespaceDefaults): ResourceMeta | undefined {
  const fields = at.fields<MetadataFields>({
    name: NAME_READERS[scope],
    namespace: scope === 'cluster' ? readNoNamespace : readNamespace,
    labels: (labels) => readStrings(labels, labelValueProblem),
    annotations: (annotations) => readStrings(annotations),
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
  const { name, namespace = namespaceOf(scope, defaults), labels = {}, annotations = {}, creationTimestamp } = fields;
  if (scope === 'mesh' || scope === 'root') checkRoot(at.child('namespace'), defaults.rootNamespace);
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

function readMeshName(at: Cursor): string | undefined {
  const name = at.text();
  if (name === undefined || name === MESH_NAME) return name;
  return at.error(`must be "${MESH_NAME}": a mesh has one configuration`);
}

const NAME_READERS: Readonly<Record<MetadataScope, (at: Cursor) => string | undefined>> = {
  namespace: readName,
  cluster: readNamespace,
  root: readName,
  mesh: readMeshName,
};

function namespaceOf(scope: MetadataScope, { defaultNamespace, rootNamespace }: NamespaceDefaults): string {
  if (scope === 'cluster') return '';
  return scope === 'mesh' || scope === 'root' ? (rootNamespace ?? defaultNamespace) : defaultNamespace;
}

function readNoNamespace(at: Cursor): string | undefined {
  return at.value === '' ? '' : at.misplaced('must be left out: this kind belongs to no namespace');
}

function checkRoot(at: Cursor, rootNamespace: string | undefined): void {
  if (rootNamespace === undefined || at.value === undefined || at.value === rootNamespace) return;
  at.error(`must be ${JSON.stringify(rootNamespace)}, the root namespace of the mesh: leave it out`);
}

function readNamespace(at: Cursor): string | undefined {
  const name = at.text();
  if (name === undefined || NAMESPACE.test(name)) return name;
  return at.error('must be a DNS label: lower-case letters, digits and "-", at most 63 characters');
}

function readStrings(
  at: Cursor,
  valueProblem: (text: string) => string | undefined = () => undefined,
): Record<string, string> | undefined {
  const keys = at.keys('an object of strings');
  if (keys === undefined) return undefined;
  const entries: [string, string][] = [];
  for (const key of keys) {
    const child = at.child(key);
    const nameProblem = labelNameProblem(key);
    if (nameProblem !== undefined) child.misplaced(nameProblem);
    const value = child.value === '' ? '' : child.lines();
    const problem = value === undefined ? undefined : valueProblem(value);
    if (problem !== undefined) child.error(problem);
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
