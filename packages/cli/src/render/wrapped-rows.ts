import type { Cell, Column } from './table.ts';
import { printable, textWidth } from './text.ts';

const GAP = 3;
const NARROWEST = 12;
/** One long value must not make every row as long, wherever the table goes. */
const WIDEST = 160;
/** What stands below a cell whose neighbour goes on; an empty cell would be shown as "-". */
const BELOW = ' ';

/** Rows of a table whose cells go on in lines below where the terminal is narrower than the table, or a cell very wide. */
export function wrappedRows(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number | undefined,
): readonly (readonly Cell[])[] {
  const widths = columns.map(({ heading }, index) =>
    rows.reduce((most, row) => Math.max(most, Math.min(WIDEST, textWidth(textOf(row[index])))), textWidth(heading)),
  );
  if (width !== undefined) narrow(widths, width - GAP * (columns.length - 1));
  return rows.flatMap((row) => {
    const cells = columns.map((_, index) => wrap(textOf(row[index]), widths[index] ?? NARROWEST));
    const height = Math.max(...cells.map(({ length }) => length));
    return Array.from({ length: height }, (_, line) =>
      columns.map((_, index) => piece(row[index], cells[index]?.[line], line)),
    );
  });
}

/** Takes from the widest columns until all of them have room. */
function narrow(widths: number[], room: number): void {
  let excess = widths.reduce((sum, one) => sum + one, 0) - room;
  while (excess > 0) {
    const widest = Math.max(...widths);
    if (widest <= NARROWEST) return;
    widths[widths.indexOf(widest)] = widest - 1;
    excess -= 1;
  }
}

/** Lines of at most `width` characters, broken at spaces; a longer word is cut. */
function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (textWidth(longer) <= width) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    const characters = Array.from(word);
    while (characters.length > width) lines.push(characters.splice(0, width).join(''));
    line = characters.join('');
  }
  return line === '' && lines.length > 0 ? lines : [...lines, line];
}

function piece(cell: Cell | undefined, text: string | undefined, line: number): Cell {
  if (text === undefined) return line === 0 ? '' : BELOW;
  return cell === undefined || typeof cell === 'string' ? text : { text, paint: cell.paint };
}

function textOf(cell: Cell | undefined): string {
  return printable(cell === undefined || typeof cell === 'string' ? (cell ?? '') : cell.text);
}
