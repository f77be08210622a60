import { isAlias, isMap, isScalar, isSeq } from 'yaml';
import type { Alias, Document, Node, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import { excerpt, printable } from '../printable.ts';
import type { ErrorCode } from '../errors.ts';
import type { FieldPath, FieldProblem } from '../resource/problem.ts';

/** Something in the text that has no meaning as JSON. */
export interface TextProblem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly offset: number;
}

/** What conversion may still use; shared by the documents of one text. */
export interface ConversionLimits {
  readonly depth: number;
  readonly budget: { nodes: number };
  /** Listed before the rest is only counted. */
  readonly problems: number;
}

interface Converted {
  readonly value: unknown;
  /** Values in it, with aliases counted as what they stand for. */
  readonly weight: number;
  readonly node: Node;
}

const MAX_MESSAGE = 200;
const CORE_TAG = /^tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq)$/;
const MERGE_KEY = '<<';
/** Octal in YAML 1.1, which kubectl reads, and decimal in YAML 1.2. */
const LEADING_ZERO = /^[-+]?0\d/;
const TWO_NUMBERS =
  'is octal to some readers of YAML and decimal to others: write it without the leading zero, or in quotes if it is text';

/** Mistakes that say nothing of where the text goes on. */
const APART: ReadonlySet<string> = new Set(['DUPLICATE_KEY', 'RESOURCE_EXHAUSTION', 'BAD_ALIAS', 'TAG_RESOLVE_FAILED']);

/** Where a bracket is missing, a parser finds every token behind it misplaced: only the first of those is a mistake. */
function withoutConsequences(errors: Document.Parsed['errors']): Document.Parsed['errors'] {
  const first = errors.find(({ code }) => !APART.has(code));
  return errors.filter((error) => error === first || APART.has(error.code));
}

/** The parser's names of what it did not expect. */
const BRACKETS: Readonly<Record<string, string>> = {
  'flow-seq-start': '"["',
  'flow-seq-end': '"]"',
  'flow-map-start': '"{"',
  'flow-map-end': '"}"',
};

/** One YAML document as plain JSON that still knows where in the text each value stands. */
export class JsonDocument {
  /** Undefined for a document with nothing in it. */
  readonly value: unknown;
  readonly problems: TextProblem[] = [];
  /** Problems beyond those. */
  unlisted = 0;
  readonly #root: Node | null;
  readonly #limits: ConversionLimits;
  readonly #anchors = new Map<string, Converted>();
  readonly #targets = new Map<Alias, Node>();
  readonly #pairs = new Map<YAMLMap, Map<string, Pair>>();

  constructor(document: Document.Parsed, limits: ConversionLimits) {
    this.#limits = limits;
    this.#root = document.contents;
    for (const error of withoutConsequences(document.errors)) {
      const message = error.code === 'RESOURCE_EXHAUSTION' ? 'is nested too deeply' : readable(error.message);
      this.#note({ code: 'INVALID_YAML', message, offset: error.pos[0] });
    }
    const isEmpty = document.contents === null || (isScalar(document.contents) && document.contents.value === null);
    if (this.problems.length === 0 && !isEmpty) this.value = this.#convert(document.contents, 0)?.value;
  }

  /** Offset in the text of a value, or of the name of its field; of the nearest parent when the path leads nowhere. */
  offsetOf(path: FieldPath, at: FieldProblem['at']): number {
    let node: unknown = this.#root;
    let offset = startOf(node) ?? 0;
    for (const [index, step] of path.entries()) {
      const parent = isAlias(node) ? this.#targets.get(node) : node;
      if (isMap(parent)) {
        const pair = this.#pairs.get(parent)?.get(String(step));
        if (pair === undefined) return offset;
        const isKey = at === 'key' && index === path.length - 1;
        node = isKey ? pair.key : pair.value;
        offset = startOf(node) ?? startOf(pair.key) ?? offset;
      } else if (isSeq(parent)) {
        node = parent.items[Number(step)];
        offset = startOf(node) ?? offset;
      } else break;
    }
    return offset;
  }

  #convert(node: unknown, depth: number): Converted | undefined {
    if (isAlias(node)) return this.#follow(node);
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return undefined;
    if (!this.#spend(1, node)) return undefined;
    if (depth > this.#limits.depth) return this.#refuse(node, `is nested more than ${this.#limits.depth} levels deep`);
    const problem = nodeProblem(node);
    if (problem !== undefined) return this.#refuse(node, problem);
    const before = this.#limits.budget.nodes;
    const value = isScalar(node)
      ? node.value
      : isMap(node)
        ? this.#convertMap(node, depth)
        : this.#convertItems(node.items, depth);
    const converted = { value, weight: before - this.#limits.budget.nodes + 1, node };
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, converted);
    return converted;
  }

  #convertItems(items: readonly unknown[], depth: number): unknown[] {
    return items.map((item) => this.#convert(item, depth + 1)?.value ?? null);
  }

  #convertMap(map: YAMLMap, depth: number): Record<string, unknown> {
    const pairs = new Map<string, Pair>();
    const entries: [string, unknown][] = [];
    for (const pair of map.items) {
      const key = isScalar(pair.key) && typeof pair.key.value === 'string' ? pair.key.value : undefined;
      if (key === undefined) this.#refuse(pair.key, 'the name of a field must be a string');
      else if (key === MERGE_KEY) this.#refuse(pair.key, 'merge keys ("<<") are not accepted: write the fields out');
      else if (pairs.has(key)) this.#refuse(pair.key, `field ${excerpt(key)} is given twice`);
      else {
        pairs.set(key, pair);
        entries.push([key, this.#convert(pair.value, depth + 1)?.value ?? null]);
      }
    }
    this.#pairs.set(map, pairs);
    return Object.fromEntries(entries);
  }

  #follow(alias: Alias): Converted | undefined {
    const target = this.#anchors.get(alias.source);
    if (target === undefined)
      return this.#refuse(alias, `alias ${excerpt(`*${alias.source}`)} has no complete anchor of that name before it`);
    if (!this.#spend(target.weight, alias)) return undefined;
    this.#targets.set(alias, target.node);
    return target;
  }

  /** Takes from the budget; notes its end once. */
  #spend(weight: number, node: unknown): boolean {
    const { budget } = this.#limits;
    if (budget.nodes < 0) return false;
    budget.nodes -= weight;
    if (budget.nodes >= 0) return true;
    this.#refuse(node, 'holds too many values, aliases counted as what they stand for: split it', 'DOCUMENT_TOO_LARGE');
    return false;
  }

  #refuse(node: unknown, message: string, code: ErrorCode = 'INVALID_YAML'): undefined {
    this.#note({ code, message, offset: startOf(node) ?? 0 });
  }

  #note(problem: TextProblem): void {
    if (this.problems.length < this.#limits.problems) this.problems.push(problem);
    else this.unlisted += 1;
  }
}

function startOf(node: unknown): number | undefined {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range?.[0] : undefined;
}

/** What no reader of JSON could tell of a node. */
function nodeProblem(node: Scalar | YAMLMap | YAMLSeq): string | undefined {
  if (node.tag !== undefined && !CORE_TAG.test(node.tag))
    return `tag ${excerpt(node.tag)} has no meaning here: remove it`;
  if (!isScalar(node) || typeof node.value !== 'number') return undefined;
  const { source = '' } = node;
  return LEADING_ZERO.test(source) ? `${excerpt(source)} ${TWO_NUMBERS}` : undefined;
}

/** A message of the library, short and in the style of ours. */
export function readable(message: string): string {
  const stray = /^Unexpected (flow-(?:seq|map)-(?:start|end)) /i.exec(message)?.[1]?.toLowerCase();
  if (stray !== undefined) {
    return `unexpected ${BRACKETS[stray] ?? stray}: quote a value that holds brackets, or see whether one is missing before`;
  }
  const text = message.slice(0, MAX_MESSAGE);
  return printable(text.charAt(0).toLowerCase() + text.slice(1));
}
