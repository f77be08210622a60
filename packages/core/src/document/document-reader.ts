import type { ErrorCode } from '../errors.ts';
import { Cursor } from '../resource/cursor.ts';
import type { NamespaceDefaults } from '../resource/metadata/metadata.ts';
import { DEFAULT_NAMESPACE, DEFAULT_ROOT_NAMESPACE, readResource } from '../resource/parse.ts';
import { formatFieldPath, parseFieldPath } from '../resource/problem.ts';
import { qualifiedName, resourceKey, type Resource } from '../resource/resource.ts';
import { FieldProblems } from './field-problems.ts';
import type { ProblemList, TextPosition } from './problem-list.ts';
import type { ReadText } from './read-text.ts';
import type { SourceDocument } from './source-document.ts';

/** How resources are read, whatever language they are written in. */
export interface ReaderOptions {
  /** Namespace of resources that name none; "default" where absent. */
  readonly defaultNamespace?: string;
  /** Namespace of what holds for the whole mesh; Istio's "istio-system" where absent. */
  readonly rootNamespace?: string;
  /** What the caller has against a sound resource, by field; the answer becomes errors at the fields' places. */
  readonly review?: (resource: Resource) => readonly Objection[];
}

/** Why a resource that is sound in itself is refused. */
export interface Objection {
  readonly code: ErrorCode;
  readonly message: string;
  /** "spec.rules[0].when[0].key", as `requiredFeatures` names fields; "" for the whole resource. */
  readonly field: string;
}

interface ReaderParts extends Pick<ReadText, 'position'> {
  readonly problems: ProblemList;
  /** How many problems are worth listing. */
  readonly listed: number;
}

/** Reads documents as resources, one after the other; none may be there twice. */
export class DocumentReader {
  readonly #defaults: NamespaceDefaults;
  readonly #review: (resource: Resource) => readonly Objection[];
  readonly #problems: ProblemList;
  readonly #listed: number;
  readonly #position: ReadText['position'];
  readonly #seen = new Map<string, TextPosition>();
  readonly #origins = new WeakMap<Resource, { readonly json: SourceDocument; readonly place: Cursor }>();

  constructor(options: ReaderOptions, { problems, position, listed }: ReaderParts) {
    const { defaultNamespace = DEFAULT_NAMESPACE, rootNamespace = DEFAULT_ROOT_NAMESPACE } = options;
    this.#defaults = { defaultNamespace, rootNamespace };
    this.#review = options.review ?? (() => []);
    this.#problems = problems;
    this.#listed = listed;
    this.#position = position;
  }

  read(json: SourceDocument): Resource[] {
    if (json.problems.length > 0 || json.value === undefined) return [];
    const found = new FieldProblems(this.#listed);
    const root = new Cursor(json.value, found);
    const places = root.child('kind').value === 'List' ? (root.child('items').items() ?? []) : [root];
    const resources: Resource[] = [];
    for (const place of places) {
      const before = found.errors;
      const resource = readResource(place, this.#defaults);
      const isSound = found.errors === before && json.faulty !== true;
      const isNew = resource !== undefined && this.#isNew(resource, { json, place });
      if (resource === undefined || !isSound || !isNew) continue;
      resources.push(resource);
      this.#origins.set(resource, { json, place });
      for (const { code, message, field } of this.#review(resource)) {
        found.push({ severity: 'error', code, message, path: [...place.path, ...parseFieldPath(field)], at: 'key' });
      }
    }
    for (const { path, at, ...note } of found.listed) {
      if (this.#problems.isFull) this.#problems.addUnlisted(1);
      else this.#problems.add(this.#position(json.offsetOf(path, at)), { ...note, field: formatFieldPath(path) });
    }
    this.#problems.addUnlisted(found.unlisted);
    return resources;
  }

  readonly placeOf = (resource: Resource, field: string): TextPosition | undefined => {
    const origin = this.#origins.get(resource);
    if (origin === undefined) return undefined;
    const { json, place } = origin;
    return this.#position(json.offsetOf([...place.path, ...parseFieldPath(field)], 'key'));
  };

  #isNew(resource: Resource, { json, place }: { json: SourceDocument; place: Cursor }): boolean {
    if (resource.metadata.name === '') return true;
    const key = resourceKey(resource);
    const path = [...place.path, 'metadata', 'name'];
    const position = this.#position(json.offsetOf(path, 'value'));
    const first = this.#seen.get(key);
    if (first === undefined) {
      this.#seen.set(key, position);
      return true;
    }
    const message = `${resource.kind} ${qualifiedName(resource)} stands in this file twice, first in line ${first.line}`;
    this.#problems.add(position, { code: 'DUPLICATE_RESOURCE', message, field: formatFieldPath(path) });
    return false;
  }
}
