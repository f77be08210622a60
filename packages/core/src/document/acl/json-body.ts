import type { HclAttribute, HclBlock, HclBody } from '../hcl/parser.ts';
import type { FieldPath } from '../../resource/problem.ts';
import type { SourceDocument } from '../source-document.ts';

type Json = Readonly<Record<string, unknown>>;

/** Blocks in blocks: a namespace, a service in it. What is below is no block. */
const DEEPEST = 3;

/**
 * The blocks that JSON stands for (HCL JSON Syntax Specification; Consul's policies in JSON): `{"service": {"web": {"policy":
 * "read"}}}`, where a list stands for several blocks of one type or name.
 */
export function bodyOfJson(json: SourceDocument): HclBody {
  return isObject(json.value) ? bodyOf(json, json.value, []) : { attributes: new Map(), blocks: [] };
}

function bodyOf(json: SourceDocument, value: Json, path: FieldPath): HclBody {
  const attributes = new Map<string, HclAttribute>();
  const blocks: HclBlock[] = [];
  for (const [name, content] of Object.entries(value)) {
    const at = [...path, name];
    const isBlock = isObject(content) || (Array.isArray(content) && content.length > 0 && content.every(isObject));
    if (isBlock && path.length < DEEPEST * 2) blocks.push(...blocksOf(json, { type: name, content, at }));
    else {
      const valueOffset = json.offsetOf(at, 'value');
      attributes.set(name, { value: content, offset: json.offsetOf(at, 'key'), valueOffset });
    }
  }
  return { attributes, blocks };
}

interface Typed {
  readonly type: string;
  readonly content: unknown;
  readonly at: FieldPath;
}

function blocksOf(json: SourceDocument, { type, content, at }: Typed): HclBlock[] {
  return each(content, at).flatMap(([labelled, labelledAt]) =>
    Object.entries(labelled).flatMap(([label, bodies]): HclBlock[] => {
      const labelAt = [...labelledAt, label];
      const offset = json.offsetOf(labelAt, 'key');
      const labels = [{ text: label, offset }];
      const found = each(bodies, labelAt);
      // A name without an object stays a block without a name of its own, which is then refused where it stands.
      if (found.length === 0) return [{ type, labels: [], body: { attributes: new Map(), blocks: [] }, offset }];
      return found.map(([body, bodyAt]) => ({ type, labels, body: bodyOf(json, body, bodyAt), offset }));
    }),
  );
}

/** An object, or each of a list of objects, with its path. */
function each(value: unknown, path: FieldPath): readonly (readonly [Json, FieldPath])[] {
  if (isObject(value)) return [[value, path]];
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: unknown, index) => (isObject(item) ? [[item, [...path, index]] as const] : []));
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
