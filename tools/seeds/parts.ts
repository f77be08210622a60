import { unbox } from './boxes.ts';
import type { Fence } from './fences.ts';

/** What a stretch of a seed block is. */
export type PartKind =
  | 'resource'
  | 'policy-outline'
  | 'json'
  | 'sql'
  | 'hcl'
  | 'alert-text'
  | 'trace'
  | 'algorithm'
  | 'isolation'
  | 'poisoning'
  | 'spiffe-ids'
  | 'commands'
  | 'yaml'
  | 'python'
  | 'picture';

/** A stretch of a seed block that something can be done with, or the whole block when nothing can. */
export interface Part {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly kind: PartKind;
  readonly text: string;
}

interface Shape {
  readonly kind: PartKind;
  readonly start: RegExp;
  /** The first line after the part. */
  readonly end: RegExp;
  /** The line that `end` matches belongs to the part. */
  readonly endIncluded?: boolean;
}

const shapes: readonly Shape[] = [
  { kind: 'resource', start: /^apiVersion: /, end: /^(?:EOF|---)?$/ },
  { kind: 'json', start: /^\{$/, end: /^\}$/, endIncluded: true },
  { kind: 'sql', start: /^SELECT\b/, end: /^$/ },
  { kind: 'hcl', start: /^[a-z]+ "[^"]+" \{$/, end: /^\}$/, endIncluded: true },
  { kind: 'policy-outline', start: /^selector:$/, end: /^[A-Z]/ },
  { kind: 'alert-text', start: /^Alert: /, end: /^$/ },
  { kind: 'trace', start: /^Trace ID: /, end: /^$/ },
  { kind: 'algorithm', start: /^ALGORITHM \w+/, end: /^ALGORITHM \w+/ },
];

/** Pictures of what the registry does, which it can be held against. */
const scenes: readonly { readonly kind: PartKind; readonly pattern: RegExp }[] = [
  { kind: 'isolation', pattern: /\|"Cannot discover"\|/ },
  { kind: 'poisoning', pattern: /^\s*attacker → Registry: Register\(/m },
];

const wholeBlocks: Readonly<Record<string, PartKind>> = {
  yaml: 'yaml',
  bash: 'commands',
  python: 'python',
  mermaid: 'picture',
};

/** Cuts a block into its parts; a block without any is one picture. */
export function partsOf(fence: Fence): Part[] {
  const lines = unbox(fence.lines);
  const taken = new Set<number>();
  const parts: Part[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const shape = shapes.find(({ start }) => start.test(lines[at] ?? ''));
    if (shape === undefined) continue;
    const end = endOf(lines, at, shape);
    const kind = shape.kind;
    parts.push({ file: fence.file, line: fence.line + 1 + at, kind, text: lines.slice(at, end).join('\n').trimEnd() });
    for (let line = at; line < end; line += 1) taken.add(line);
    at = end - 1;
  }
  const rest = lines
    .filter((_, index) => !taken.has(index))
    .join('\n')
    .trim();
  return [...parts, ...restOf(fence, { rest, alone: parts.length === 0 })].toSorted((a, b) => a.line - b.line);
}

function endOf(lines: readonly string[], start: number, shape: Shape): number {
  const found = lines.findIndex((line, index) => index > start && shape.end.test(line));
  if (found === -1) return lines.length;
  return shape.endIncluded === true ? found + 1 : found;
}

/** What is left beside the parts: commands around a heredoc, identities named in a text, or nothing of use. */
function restOf(fence: Fence, { rest, alone }: { readonly rest: string; readonly alone: boolean }): Part[] {
  const place = { file: fence.file, line: fence.line };
  const scene = scenes.find(({ pattern }) => alone && pattern.test(rest));
  if (scene !== undefined) return [{ ...place, kind: scene.kind, text: rest }];
  const whole = wholeBlocks[fence.language];
  if (whole === 'commands' || (whole !== undefined && alone)) return [{ ...place, kind: whole, text: rest }];
  const identities = [...rest.matchAll(/spiffe:\/\/[\w.-]+(?:\/[\w.-]+)+/g)].map(([id]) => id);
  if (identities.length > 0) return [{ ...place, kind: 'spiffe-ids', text: [...new Set(identities)].join('\n') }];
  return alone ? [{ ...place, kind: 'picture', text: rest }] : [];
}
