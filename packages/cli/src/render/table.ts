import { padLeft, padRight, printable, textWidth, truncate } from './text.ts';

/** One cell: its text, and optionally how to colour it once it is padded. */
export type Cell = string | { readonly text: string; readonly paint: (text: string) => string };

/** A column's heading; numbers stand to the right. */
export interface Column {
  readonly heading: string;
  readonly align?: 'left' | 'right';
}

const GAP = '   ';

function textOf(cell: Cell): string {
  return printable(typeof cell === 'string' ? cell : cell.text);
}

/** How a table is drawn. */
export interface TableStyle {
  /** Columns of the terminal: the last column is cut to fit. Undefined cuts nothing. */
  readonly width?: number | undefined;
}

const SHORTEST_LAST_COLUMN = 12;

/** An aligned table with upper-case headings, the form kubectl's users read; empty cells show "-". Ends with a newline. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  style: TableStyle = {},
): string {
  const last = columns.length - 1;
  const texts = rows.map((row) => columns.map((_, index) => textOf(row[index] ?? '') || '-'));
  const widths = columns.map((column, index) =>
    Math.max(textWidth(column.heading), ...texts.map((row) => textWidth(row[index] ?? ''))),
  );
  const taken = widths.slice(0, last).reduce((sum, width) => sum + width + GAP.length, 0);
  const room = style.width === undefined ? Infinity : Math.max(SHORTEST_LAST_COLUMN, style.width - taken);
  const line = (cells: readonly string[], paint: (text: string, index: number) => string): string =>
    cells
      .map((text, index) => (index === last ? truncate(text, room) : text))
      .map((text, index) =>
        paint(pad(text, widths[index] ?? 0, { column: columns[index], last: index === last }), index),
      )
      .join(GAP)
      .trimEnd();
  const heading = line(
    columns.map((column) => column.heading),
    (text) => text,
  );
  const body = texts.map((row, at) => line(row, (text, index) => painterOf(rows[at]?.[index])(text)));
  return `${[heading, ...body].join('\n')}\n`;
}

function pad(
  text: string,
  width: number,
  place: { readonly column: Column | undefined; readonly last: boolean },
): string {
  if (place.column?.align === 'right') return padLeft(text, width);
  return place.last ? text : padRight(text, width);
}

function painterOf(cell: Cell | undefined): (text: string) => string {
  return cell === undefined || typeof cell === 'string' ? (text) => text : cell.paint;
}

/** Columns from their headings; a leading ">" puts a column to the right. */
export function columnsOf(...headings: readonly string[]): Column[] {
  return headings.map((heading) =>
    heading.startsWith('>') ? { heading: heading.slice(1), align: 'right' } : { heading },
  );
}
