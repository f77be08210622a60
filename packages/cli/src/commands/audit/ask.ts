import { RampartError } from '@rampart/core';
import { AuditService } from '@rampart/wire';
import { EXIT } from '../../exit-code.ts';
import type { Io } from '../../io.ts';
import { columnsOf, renderTable } from '../../render/table.ts';
import type { Invocation } from '../../shell.ts';
import { readText } from '../ca/files.ts';
import { QUESTIONS } from './questions.ts';

/** How a question was given: one way, or none at all for the newest records. */
export interface QuestionOptions {
  readonly sql?: string;
  readonly file?: string;
}

type Value = string | number | null;

/** The SQL of the question; undefined when none was asked. */
export async function questionOf(
  name: string | undefined,
  options: QuestionOptions,
  io: Io,
): Promise<string | undefined> {
  const ways = [name, options.sql, options.file].filter((way) => way !== undefined);
  if (ways.length > 1)
    throw new RampartError('INVALID_ARGUMENT', 'ask one question: by its name, with --sql or with --file');
  if (options.sql !== undefined) return options.sql;
  if (options.file !== undefined) return (await readText(options.file, io)).replace(/^\uFEFF/, '');
  if (name === undefined) return undefined;
  const known = QUESTIONS.find((question) => question.name === name);
  if (known !== undefined) return known.sql;
  const names = QUESTIONS.map((question) => question.name).join(', ');
  throw new RampartError(
    'INVALID_ARGUMENT',
    `there is no question ${JSON.stringify(name)}: ${names}, or your own with --sql`,
  );
}

/** Asks it and shows the answer; its rows are objects by column in JSON and YAML. */
export async function ask(sql: string, { withService, show, note, io, globals }: Invocation): Promise<number> {
  const { columns, rows, cut } = await withService(AuditService, (client) => client.ask({ sql }));
  const values = rows.map((row) => JSON.parse(row) as readonly Value[]);
  const names = distinct(columns);
  if (values.length > 0 || globals.output !== 'table') {
    show({
      data: () => values.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index] ?? null]))),
      table: () =>
        renderTable(
          columnsOf(...columns.map(heading)),
          values.map((row) => row.map(textOf)),
          { width: io.stdout.columns },
        ),
    });
  }
  if (values.length === 0) note('no rows');
  if (cut) note(`only the first ${values.length} rows: ask for less`);
  return EXIT.ok;
}

/** An object has each name once: `count`, `count_2`. */
function distinct(columns: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  return columns.map((column) => {
    let name = column;
    for (let number = 2; taken.has(name); number += 1) name = `${column}_${number}`;
    taken.add(name);
    return name;
  });
}

function heading(name: string): string {
  return name.replaceAll('_', ' ').toUpperCase();
}

function textOf(value: Value): string {
  return value === null ? '' : String(value);
}
