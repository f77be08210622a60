import { formatDuration } from '../duration.ts';
import type { Cursor, Reader } from '../cursor.ts';

/** Reader of a field that Istio has and nothing here does: refused by its name, with the reason. */
export function absent(reason: string): Reader<never> {
  return (at) => at.misplaced(reason, 'UNSUPPORTED_FEATURE');
}

/** Fields of a spec that hold milliseconds, by the name that their document has for a duration. */
const DURATIONS = [
  'backoff',
  'baseEjectionTime',
  'connectTimeout',
  'duration',
  'fixedDelay',
  'interval',
  'maxAge',
  'perTryTimeout',
  'time',
  'timeout',
  'ttl',
];
const DOCUMENT_NAMES: ReadonlyMap<string, string> = new Map(DURATIONS.map((name) => [`${name}Ms`, name]));

/**
 * A spec in the words of its document. Specs of traffic kinds have Istio's own fields, but durations: `timeout: 5s` is
 * `timeoutMs: 5000`.
 */
export function toDocumentForm(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toDocumentForm);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, child]): [string, unknown] => {
    const name = typeof child === 'number' ? DOCUMENT_NAMES.get(key) : undefined;
    return name === undefined ? [key, toDocumentForm(child)] : [name, formatDuration(child as number)];
  });
  return Object.fromEntries(entries);
}

/** Notes every field that must be there and is not. */
export function need(at: Cursor, ...names: readonly string[]): void {
  if (typeof at.value !== 'object' || at.value === null || Array.isArray(at.value)) return;
  for (const name of names) if (at.child(name).value === undefined) at.error(`needs ${name}`);
}

/** How many of the fields are there; the second of them is noted when there may be one only. */
export function oneOf(at: Cursor, names: readonly string[]): string | undefined {
  const [first, second] = names.filter((name) => at.child(name).value !== undefined);
  if (first !== undefined && second !== undefined) at.child(second).misplaced(`cannot stand beside ${first}`);
  return first;
}

/** A list of at most so many elements. */
export function listOf<T>(read: Reader<T>, most: number, what?: string): Reader<T[]> {
  return (at) => {
    const length = Array.isArray(at.value) ? at.value.length : 0;
    return length > most ? at.error(`must hold at most ${most}, holds ${length}`) : at.list(read, what);
  };
}

/** A map from names to what a reader reads. */
export function mapOf<T>(
  read: Reader<T>,
  nameProblem: (name: string) => string | undefined,
): Reader<Record<string, T>> {
  return (at) => {
    const keys = at.keys();
    if (keys === undefined) return undefined;
    if (keys.length > MOST_NAMES) return at.error(`must hold at most ${MOST_NAMES}, holds ${keys.length}`);
    const entries: [string, T][] = [];
    for (const key of keys) {
      const child = at.child(key);
      const problem = nameProblem(key);
      if (problem !== undefined) child.misplaced(problem);
      const value = read(child);
      if (value !== undefined) entries.push([key, value]);
    }
    return Object.fromEntries(entries);
  };
}

const MOST_NAMES = 1000;

/** A number of a range, not necessarily a whole one. */
export function numberOf(what: string, { min, max }: { readonly min: number; readonly max: number }): Reader<number> {
  return (at) => {
    const { value } = at;
    if (typeof value === 'number' && value >= min && value <= max) return value;
    return at.mustBe(`${what} from ${min} to ${max}`);
  };
}

const MAX_PORT = 65_535;

export const readPort: Reader<number> = (at) => at.integer('a port number', { min: 1, max: MAX_PORT });

/** Envoy's default for limits that are not set, and so the most that a document may say. */
export const MAX_COUNT = 4_294_967_295;

export const readCount: Reader<number> = (at) => at.integer('a whole number', { min: 0, max: MAX_COUNT });

export const readWholePercent: Reader<number> = (at) => at.integer('a percentage', { min: 0, max: 100 });

/** Istio's `Percent`. */
export interface Percent {
  readonly value: number;
}

export const readPercent: Reader<Percent> = (at) => {
  const { value } = at.fields<Percent>({ value: numberOf('a percentage', { min: 0, max: 100 }) }) ?? {};
  need(at, 'value');
  return value === undefined ? undefined : { value };
};
