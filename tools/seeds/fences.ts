/** One fenced block of a document, as printed. */
export interface Fence {
  readonly file: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
  /** "" when the fence names none. */
  readonly language: string;
  readonly lines: readonly string[];
}

/** Every fenced block of a document, in order. A fence that is never closed reaches to the end. */
export function fencedBlocks(file: string, text: string): Fence[] {
  const fences: Fence[] = [];
  let open: { line: number; language: string; lines: string[] } | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const mark = /^\s*```(.*)$/.exec(line);
    if (mark === null) open?.lines.push(line);
    else if (open === undefined) open = { line: index + 1, language: (mark[1] ?? '').trim(), lines: [] };
    else {
      fences.push({ file, ...open });
      open = undefined;
    }
  }
  if (open !== undefined) fences.push({ file, ...open });
  return fences;
}
