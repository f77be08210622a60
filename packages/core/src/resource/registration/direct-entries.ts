import type { RegistrationEntry } from '../resource.ts';
import { areOfOneEvidence, isEvidenceSelector, selectorTypeOf } from './selector-text.ts';

/** Another entry that evidence for one of them may be for as well. */
export interface EntryOverlap {
  readonly other: RegistrationEntry;
  /**
   * How the other one is: for the `same` evidence; `wider`, for all evidence of this one and more; `narrower`, the other way
   * round; `possible`: some evidence may be for both.
   */
  readonly kind: 'same' | 'wider' | 'narrower' | 'possible';
}

/** An entry's selectors by what they are about: "k8s:ns" → { "prod" }. */
type Facts = ReadonlyMap<string, ReadonlySet<string>>;

interface Candidate {
  readonly entry: RegistrationEntry;
  readonly facts: Facts;
}

/** Entries that are about the same things, found by what they say of some of these. */
interface Group {
  /** What each of them says one thing about, in order. */
  readonly names: readonly string[];
  readonly types: ReadonlySet<string>;
  readonly all: Candidate[];
  /** By names, joined; then by the values of these, joined. */
  readonly indexes: Map<string, Map<string, Candidate[]>>;
}

/** What these say is about something in three parts ("x509pop:san:dns"). */
const DEEP = /^x509pop:(?:subject|san|ca):[a-z]+/;
const SHALLOW = /^[^:]+:[^:]+/;
const SEPARATOR = '\n';

/** Whether an entry is for those who attest directly: by evidence, without an agent. */
export function isDirectEntry({ spec: { parentId, selectors } }: RegistrationEntry): boolean {
  return parentId === undefined && selectors.every(isEvidenceSelector);
}

/** Entries for direct attestation, where only one may be for the same evidence (`entry-several`). */
export class DirectEntries {
  readonly #groups = new Map<string, Group>();

  /** @param entries Those that are not for direct attestation are passed over. */
  constructor(entries: Iterable<RegistrationEntry>) {
    for (const entry of entries) if (isDirectEntry(entry)) this.#add({ entry, facts: factsOf(entry) });
  }

  /** The worst overlap of one of the entries with another one; undefined when some fact tells it apart from each. */
  overlapOf(entry: RegistrationEntry): EntryOverlap | undefined {
    if (!isDirectEntry(entry)) return undefined;
    const facts = factsOf(entry);
    let possible: EntryOverlap | undefined;
    for (const group of this.#groups.values()) {
      if (!areOfOneEvidence(group.types.union(typesOf(entry)))) continue;
      for (const { entry: other, facts: theirs } of candidatesIn(group, facts)) {
        if (other === entry || !agree(facts, theirs)) continue;
        const overlap: EntryOverlap = { other, kind: kindOf(facts, theirs) };
        if (overlap.kind !== 'possible') return overlap;
        possible ??= overlap;
        break;
      }
    }
    return possible;
  }

  #add(candidate: Candidate): void {
    const { entry, facts } = candidate;
    const names = [...facts].flatMap(([name, { size }]) => (size === 1 ? [name] : [])).sort();
    const key = [...facts.keys()].sort().concat('', names).join(SEPARATOR);
    const group: Group = this.#groups.get(key) ?? { names, types: typesOf(entry), all: [], indexes: new Map() };
    group.all.push(candidate);
    this.#groups.set(key, group);
  }
}

/** Those of a group that say the same about what both have one thing to say about. */
function candidatesIn({ names, all, indexes }: Group, facts: Facts): readonly Candidate[] {
  const shared = names.filter((name) => facts.get(name)?.size === 1);
  const key = shared.join(SEPARATOR);
  const index = indexes.get(key) ?? Map.groupBy(all, (candidate) => valuesOf(candidate.facts, shared));
  indexes.set(key, index);
  return index.get(valuesOf(facts, shared)) ?? [];
}

function valuesOf(facts: Facts, names: readonly string[]): string {
  return names.map((name) => [...(facts.get(name) ?? [])].join()).join(SEPARATOR);
}

function factsOf({ spec }: RegistrationEntry): Facts {
  const facts = new Map<string, Set<string>>();
  for (const selector of spec.selectors) {
    const [name = selector] = DEEP.exec(selector) ?? SHALLOW.exec(selector) ?? [];
    const values = facts.get(name) ?? new Set();
    facts.set(name, values.add(selector.slice(name.length + 1)));
  }
  return facts;
}

function typesOf({ spec }: RegistrationEntry): ReadonlySet<string> {
  return new Set(spec.selectors.map(selectorTypeOf));
}

/** Two things that are said about the same are taken for a contradiction: hardly any evidence has both. */
function agree(some: Facts, others: Facts): boolean {
  return [...some].every(([name, values]) => {
    const theirs = others.get(name) ?? values;
    return values.isSubsetOf(theirs) || theirs.isSubsetOf(values);
  });
}

function kindOf(some: Facts, others: Facts): EntryOverlap['kind'] {
  const isWider = includes(some, others);
  const isNarrower = includes(others, some);
  if (isWider) return isNarrower ? 'same' : 'wider';
  return isNarrower ? 'narrower' : 'possible';
}

/** Whether all that `few` say is said by `many`. */
function includes(many: Facts, few: Facts): boolean {
  return [...few].every(([name, values]) => values.isSubsetOf(many.get(name) ?? new Set()));
}
