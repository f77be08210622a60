import { excerpt } from '../../printable.ts';
import { suggestion } from '../../resource/spelling.ts';
import type { HclBlock, HclBody } from '../hcl/parser.ts';
import type { SourceDocument } from '../source-document.ts';
import { Places } from './places.ts';

/** Says what is wrong, or worth knowing, at an offset of the text. */
export type NoteAt = (severity: 'error' | 'warning', message: string, offset: number) => void;

type Rule = Record<string, unknown>;

/** Blocks that make rules, and the field of the rule that takes their label. */
const RULES: Readonly<Record<string, string>> = {
  service: 'service',
  service_prefix: 'servicePrefix',
  namespace: 'namespace',
};
const IN_NAMESPACE: ReadonlySet<string> = new Set(['service', 'service_prefix']);

/** What Consul's policies are about besides services. Nothing of it exists here, so that a rule about it gives nobody anything. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  'acl',
  'admin_partition',
  'agent',
  'agent_prefix',
  'event',
  'event_prefix',
  'identity',
  'identity_prefix',
  'key',
  'key_prefix',
  'keyring',
  'mesh',
  'node',
  'node_prefix',
  'operator',
  'partition',
  'partition_prefix',
  'peering',
  'query',
  'query_prefix',
  'session',
  'session_prefix',
]);

/** The blocks of an access control list as the resource `RegistryAcl` of a name. */
export function aclDocument(body: HclBody, name: string, note: NoteAt): SourceDocument {
  let faulty = false;
  const reader = new RuleReader((severity, message, offset) => {
    faulty ||= severity === 'error';
    note(severity, message, offset);
  });
  reader.readAll(body);
  const { rules, places } = reader;
  return {
    value: { apiVersion: 'rampart.dev/v1', kind: 'RegistryAcl', metadata: { name }, spec: { rules } },
    problems: [],
    faulty,
    offsetOf: (path, at) => places.offsetOf(path, at),
  };
}

class RuleReader {
  readonly rules: Rule[] = [];
  readonly places = new Places();
  readonly #note: NoteAt;

  constructor(note: NoteAt) {
    this.#note = note;
  }

  readAll({ attributes, blocks }: HclBody): void {
    for (const [name, { offset }] of attributes) {
      if (ELSEWHERE.has(name)) this.#noteElsewhere(name, offset);
      else this.#note('error', `${excerpt(name)} belongs into a block such as service "payment" { … }`, offset);
    }
    for (const block of blocks) {
      if (ELSEWHERE.has(block.type)) this.#noteElsewhere(block.type, block.offset);
      else this.#readBlock(block);
    }
  }

  #readBlock(block: HclBlock): void {
    const known = Object.keys(RULES);
    if (!known.includes(block.type)) {
      this.#note('error', `unknown block ${excerpt(block.type)}; ${suggestion(block.type, known)}`, block.offset);
      return;
    }
    const label = this.#labelOf(block);
    if (label === undefined) return;
    const { attributes, blocks } = block.body;
    const isOuter = block.type === 'namespace';
    if (!isOuter || attributes.size > 0 || blocks.length === 0) this.#add(block, undefined);
    for (const inner of blocks) {
      if (isOuter && IN_NAMESPACE.has(inner.type)) this.#readInner(inner, label);
      else if (isOuter && ELSEWHERE.has(inner.type)) this.#noteElsewhere(inner.type, inner.offset);
      else this.#note('error', `${excerpt(inner.type)} cannot stand in ${excerpt(block.type)}`, inner.offset);
    }
  }

  #readInner(block: HclBlock, namespace: HclBlock['labels'][number]): void {
    if (this.#labelOf(block) === undefined) return;
    for (const inner of block.body.blocks) {
      this.#note('error', `${excerpt(inner.type)} cannot stand in ${excerpt(block.type)}`, inner.offset);
    }
    this.#add(block, namespace);
  }

  #labelOf({ type, labels, offset }: HclBlock): HclBlock['labels'][number] | undefined {
    const [label, second] = labels;
    if (label === undefined) this.#note('error', `${type} needs a name: ${type} "…" { … }`, offset);
    else if (second !== undefined) this.#note('error', `${type} takes one name`, second.offset);
    return second === undefined ? label : undefined;
  }

  #add({ type, labels, body, offset }: HclBlock, namespace: HclBlock['labels'][number] | undefined): void {
    const field = RULES[type] ?? type;
    const path = ['spec', 'rules', this.rules.length] as const;
    const rule: [string, unknown][] = [];
    this.places.set(path, offset);
    const put = (name: string, value: unknown, at: readonly [key: number, value: number]): void => {
      rule.push([name, value]);
      this.places.set([...path, name], ...at);
    };
    for (const [name, attribute] of body.attributes) {
      const isTaken = Object.values(RULES).includes(name);
      if (isTaken)
        this.#note('error', `${excerpt(name)} is said by the block itself, not inside of it`, attribute.offset);
      else put(name, attribute.value, [attribute.offset, attribute.valueOffset]);
    }
    put(field, labels[0]?.text, [offset, labels[0]?.offset ?? offset]);
    if (namespace !== undefined) put('namespace', namespace.text, [namespace.offset, namespace.offset]);
    this.rules.push(Object.fromEntries(rule));
  }

  #noteElsewhere(name: string, offset: number): void {
    this.#note(
      'warning',
      `${excerpt(name)} is nothing that exists here: what is said of it gives nobody anything`,
      offset,
    );
  }
}
