import { fail, ok, type Result } from '../result.ts';
import { Cursor } from './cursor.ts';
import { kindHint } from './kind-hint.ts';
import { apiVersionsOf, isKind, KINDS } from './kinds.ts';
import { readMetadata, type MetadataScope, type NamespaceDefaults } from './metadata/metadata.ts';
import { FieldProblems, unlistedMessage } from '../document/field-problems.ts';
import { oversize } from '../document/oversize.ts';
import { formatFieldPath, type FieldProblem, type ResourceProblem } from './problem.ts';
import type { Resource, ResourceKind, ResourceMeta } from './resource.ts';
import { excerpt } from '../printable.ts';

/** Namespace of a resource that names none, as in Kubernetes. */
export const DEFAULT_NAMESPACE = 'default';

/** Namespace of what holds for the whole mesh, where nothing else is configured (Istio `meshConfig.rootNamespace`). */
export const DEFAULT_ROOT_NAMESPACE = 'istio-system';

/**
 * Reads one resource from parsed JSON. On failure every problem is listed, warnings too; file, line and column are
 * left empty because there is no text (see `@rampart/core/documents` for that).
 */
export function parseResource(json: unknown): Result<Resource, ResourceProblem[]> {
  const problems = new FieldProblems(MAX_PROBLEMS);
  const root = new Cursor(json, problems);
  const tooLarge = oversize(json, LIMITS);
  if (tooLarge !== undefined) {
    root.error(tooLarge, 'DOCUMENT_TOO_LARGE');
    return fail(problems.listed.map(withoutPlace));
  }
  const resource = readResource(root, { defaultNamespace: DEFAULT_NAMESPACE, rootNamespace: undefined });
  if (resource !== undefined && problems.errors === 0) return ok(resource);
  if (problems.unlisted > 0) {
    const rest = new FieldProblems(1);
    new Cursor(json, rest).error(unlistedMessage(problems.unlisted));
    return fail([...problems.listed, ...rest.listed].map(withoutPlace));
  }
  return fail(problems.listed.map(withoutPlace));
}

/** What a resource may ask of its reader; the text of documents has its own, which are not wider. */
const LIMITS = { depth: 64, values: 150_000 };
const MAX_PROBLEMS = 1000;

interface Envelope {
  readonly apiVersion: string;
  readonly kind: ResourceKind;
  readonly metadata: ResourceMeta;
  readonly spec: true;
  /** Written by controllers, never by people. */
  readonly status: true;
}

/** Reads the resource under a cursor; problems are noted there. The result counts only when no error was noted. */
export function readResource(at: Cursor, defaults: NamespaceDefaults): Resource | undefined {
  if (at.keys('a resource: an object with apiVersion, kind, metadata and spec') === undefined) return undefined;
  const kind = at.child('kind');
  if (typeof kind.value === 'string' && kind.value !== '' && !isKind(kind.value)) {
    const hint = kindHint(kind.value, at.child('apiVersion').value, KINDS_OF_VERSION);
    return kind.error(`unknown kind ${excerpt(kind.value)}; ${hint}`, 'UNKNOWN_KIND');
  }
  const fields = at.fields<Envelope>({
    apiVersion: (field) => field.text(),
    kind: readKind,
    metadata: (field) => readMetadata(field, scopeOf(kind.value), defaults),
    spec: () => true,
    status: () => true,
  });
  for (const required of ['apiVersion', 'kind', 'metadata'] as const) {
    if (at.child(required).value === undefined) at.error(`has no ${required}: add it`);
  }
  if (fields?.kind === undefined) return undefined;
  checkApiVersion(at.child('apiVersion'), fields.kind, fields.apiVersion);
  const { apiVersion = '', metadata = UNREAD_METADATA } = fields;
  return KINDS[fields.kind].read(at, { apiVersion, metadata, rootNamespace: defaults.rootNamespace });
}

/** Lets the spec be read, and its problems be listed, although the metadata is wrong. */
const UNREAD_METADATA: ResourceMeta = { name: '', namespace: '', labels: {}, annotations: {} };

/** Kinds by the apiVersion of their documents. */
const KINDS_OF_VERSION = kindsOfVersion();

function kindsOfVersion(): ReadonlyMap<string, readonly string[]> {
  const kinds = new Map<string, string[]>();
  for (const kind of Object.keys(KINDS) as ResourceKind[]) {
    for (const version of apiVersionsOf(kind)) kinds.set(version, [...(kinds.get(version) ?? []), kind]);
  }
  return kinds;
}

function readKind(at: Cursor): ResourceKind | undefined {
  const text = at.text();
  return text !== undefined && isKind(text) ? text : undefined;
}

function checkApiVersion(at: Cursor, kind: ResourceKind, apiVersion: string | undefined): void {
  const known = apiVersionsOf(kind);
  if (apiVersion !== undefined && !known.includes(apiVersion))
    at.error(`${excerpt(apiVersion)} is not of kind ${kind}; use ${known.join(' or ')}`);
}

function scopeOf(kind: unknown): MetadataScope {
  return typeof kind === 'string' && isKind(kind) ? KINDS[kind].scope : 'namespace';
}

function withoutPlace(problem: FieldProblem): ResourceProblem {
  const { severity, code, message, path } = problem;
  return { severity, code, message, file: '', line: 0, column: 0, field: formatFieldPath(path) };
}
