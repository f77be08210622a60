/** One line of a comparison: in both texts, only in the old one, or only in the new one. */
export interface DiffLine {
  readonly mark: ' ' | '-' | '+';
  readonly text: string;
}

const CONTEXT = 3;
/** Beyond this many differing lines two texts have little in common, and finding out exactly how little takes long. */
const MOST_EDITS = 2000;

/** The lines of two texts side by side, with as few differences as possible (Myers 1986, "An O(ND) Difference Algorithm"). */
export function compareLines(before: readonly string[], after: readonly string[]): DiffLine[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  while (
    end < before.length - start &&
    end < after.length - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  )
    end += 1;
  const middle = compareMiddle(before.slice(start, before.length - end), after.slice(start, after.length - end));
  return [...marked(' ', before.slice(0, start)), ...middle, ...marked(' ', before.slice(before.length - end))];
}

/** Hunks in the unified format, with three lines around each difference; none for equal texts. */
export function unifiedHunks(before: readonly string[], after: readonly string[]): string[] {
  const lines = compareLines(before, after);
  const shown = lines.map((_, at) => lines.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some(isEdit));
  const result: string[] = [];
  const at = { old: 1, new: 1 };
  for (const [index, line] of lines.entries()) {
    if (shown[index] === true) {
      if (index === 0 || shown[index - 1] !== true)
        result.push(headerOf(lines.slice(index, endOfHunk(shown, index)), at));
      result.push(`${line.mark}${line.text}`);
    }
    if (line.mark !== '+') at.old += 1;
    if (line.mark !== '-') at.new += 1;
  }
  return result;
}

function isEdit({ mark }: DiffLine): boolean {
  return mark !== ' ';
}

function endOfHunk(shown: readonly boolean[], from: number): number {
  const end = shown.indexOf(false, from);
  return end === -1 ? shown.length : end;
}

function headerOf(hunk: readonly DiffLine[], at: { readonly old: number; readonly new: number }): string {
  const olds = hunk.filter(({ mark }) => mark !== '+').length;
  const news = hunk.filter(({ mark }) => mark !== '-').length;
  // An empty side names the line before it.
  return `@@ -${range(at.old, olds)} +${range(at.new, news)} @@`;
}

function range(start: number, count: number): string {
  if (count === 0) return `${start - 1},0`;
  return count === 1 ? String(start) : `${start},${count}`;
}

function marked(mark: DiffLine['mark'], texts: readonly string[]): DiffLine[] {
  return texts.map((text) => ({ mark, text }));
}

function compareMiddle(before: readonly string[], after: readonly string[]): DiffLine[] {
  const trace = searchEdits(before, after);
  return trace === undefined ? [...marked('-', before), ...marked('+', after)] : walkBack(trace, before, after);
}

/** For each number of edits, how far each diagonal reaches; undefined when there are too many. */
function searchEdits(before: readonly string[], after: readonly string[]): ReadonlyMap<number, number>[] | undefined {
  const trace: Map<number, number>[] = [];
  let reach = new Map<number, number>([[1, 0]]);
  for (let edits = 0; edits <= Math.min(MOST_EDITS, before.length + after.length); edits += 1) {
    const next = new Map<number, number>();
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = isDown(reach, diagonal, edits) ? (reach.get(diagonal + 1) ?? 0) : (reach.get(diagonal - 1) ?? 0) + 1;
      while (x < before.length && x - diagonal < after.length && before[x] === after[x - diagonal]) x += 1;
      next.set(diagonal, x);
      if (x >= before.length && x - diagonal >= after.length) return [...trace, reach];
    }
    trace.push(reach);
    reach = next;
  }
  return undefined;
}

/** Whether the furthest way to a diagonal comes from the one above it: by a line that is only in the new text. */
function isDown(reach: ReadonlyMap<number, number>, diagonal: number, edits: number): boolean {
  if (diagonal === -edits) return true;
  return diagonal !== edits && (reach.get(diagonal - 1) ?? 0) < (reach.get(diagonal + 1) ?? 0);
}

function walkBack(
  trace: readonly ReadonlyMap<number, number>[],
  before: readonly string[],
  after: readonly string[],
): DiffLine[] {
  const lines: DiffLine[] = [];
  let x = before.length;
  let y = after.length;
  for (let edits = trace.length - 1; edits >= 0; edits -= 1) {
    const reach = trace[edits] ?? new Map<number, number>();
    const down = isDown(reach, x - y, edits);
    const diagonal = x - y + (down ? 1 : -1);
    const fromX = edits === 0 ? 0 : (reach.get(diagonal) ?? 0);
    const fromY = edits === 0 ? 0 : fromX - diagonal;
    const edgeX = edits === 0 || down ? fromX : fromX + 1;
    for (; x > edgeX; x -= 1, y -= 1) lines.push({ mark: ' ', text: before[x - 1] ?? '' });
    if (edits > 0)
      lines.push(down ? { mark: '+', text: after[fromY] ?? '' } : { mark: '-', text: before[fromX] ?? '' });
    x = fromX;
    y = fromY;
  }
  return lines.reverse();
}
