import { RampartError } from '@rampart/core';
import { AuditService } from '@rampart/wire';
import { type Command, Option } from 'commander';
import { parseMoment } from '../../arguments/moment.ts';
import { parseLimit } from '../../arguments/number.ts';
import { EXIT } from '../../exit-code.ts';
import { fieldText, parseRecords, type RecordFields } from '../../render/record-fields.ts';
import { columnsOf, renderTable } from '../../render/table.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { ask, questionOf, type QuestionOptions } from './ask.ts';
import { parseEventType } from './event-type.ts';
import { isFiltered, questionFor, RECORD_FIELDS, type RecordFilter } from './filter.ts';
import { QUESTIONS } from './questions.ts';

interface QueryOptions extends QuestionOptions, RecordFilter {
  readonly limit: number;
}

const DEFAULT_LIMIT = 50;
/** The control plane gives no more at once. */
const MOST_RECORDS = 10_000;

export function defineAuditQuery(parent: Command, shell: Shell): void {
  parent
    .command('query')
    .argument('[question]', `a question by its name: ${QUESTIONS.map(({ name }) => name).join(', ')}`)
    .description('audit records, newest first; or the answer to a question in SQL')
    .option('--type <event>', 'only this type of event, such as REGISTRATION', parseEventType)
    .option('--identity <id>', 'only of this identity; "*" stands for any run of characters')
    .option('--service <name>', 'only about this service; "*" as above')
    .addOption(new Option('--result <result>', 'only with this result').choices(['SUCCESS', 'DENIED', 'FAILURE']))
    .option('--since <when>', 'only since then: 24h ago, or 2026-01-20T10:30:00Z', parseMoment)
    .option('--limit <count>', 'at most this many', parseLimit, DEFAULT_LIMIT)
    .option('--sql <select>', 'one SELECT of PostgreSQL over audit_logs and allowed_services')
    .option('--file <file>', 'a file with one SELECT; - for standard input')
    .addHelpText(
      'after',
      `\nQuestions:\n${QUESTIONS.map(({ name, about }) => `  ${name.padEnd(24)}${about}`).join('\n')}`,
    )
    .addHelpText(
      'after',
      examples(
        ['rampart audit query', 'what happened last'],
        ['rampart audit query --type REGISTRATION -o json', 'one type, with every field'],
        ['rampart audit query --result DENIED --since 24h', 'who was refused today'],
        ['rampart audit query authorization-failures', 'who is refused again and again'],
        [
          `rampart audit query --sql "SELECT event_type, COUNT(*) AS n FROM audit_logs GROUP BY event_type"`,
          'your own',
        ],
      ),
    )
    .action((question: string | undefined, options: QueryOptions, command: Command) =>
      shell.run(command, async (invocation) => {
        const sql = await questionOf(question, options, invocation.io);
        if (sql === undefined) return query(options, invocation);
        if (options.type === undefined && !isFiltered(options)) return ask(sql, invocation);
        throw new RampartError(
          'INVALID_ARGUMENT',
          'a question in SQL says itself which records it is about: leave out the other options',
        );
      }),
    );
}

const FIELDS = ['timestamp', 'sequence', 'event_type', 'service_name', 'identity', 'source_ip', 'result', 'details'];

async function query(
  options: QueryOptions,
  { withAdmin, withService, show, note, io, globals }: Invocation,
): Promise<number> {
  const limit = Math.min(options.limit, MOST_RECORDS);
  const records = isFiltered(options)
    ? await filtered(options, limit, withService)
    : parseRecords((await withAdmin((client) => client.queryAudit({ eventType: options.type ?? '', limit }))).records);
  const columns = columnsOf('TIME', '>SEQ', 'TYPE', 'SERVICE', 'IDENTITY', 'SOURCE', 'RESULT', 'DETAILS');
  if (records.length > 0 || globals.output !== 'table')
    show({
      data: () => records,
      table: () => renderTable(columns, records.map(rowOf), { width: io.stdout.columns }),
    });
  if (records.length === 0) {
    if (isFiltered(options)) note('no such record');
    else note(options.type === undefined ? 'nothing on record yet' : `no record of type ${options.type}`);
  }
  if (records.length < options.limit && records.length === MOST_RECORDS)
    note(`only the newest ${MOST_RECORDS}: "rampart audit export" has all of them`);
  return EXIT.ok;
}

async function filtered(
  options: RecordFilter,
  limit: number,
  withService: Invocation['withService'],
): Promise<RecordFields[]> {
  const { rows } = await withService(AuditService, (client) => client.ask({ sql: questionFor(options, limit) }));
  return rows.map((row) => {
    const values = JSON.parse(row) as readonly unknown[];
    const fields = Object.fromEntries(RECORD_FIELDS.map((name, index) => [name, values[index]]));
    return { ...fields, details: parseRecords([String(fields['details'])])[0] ?? {} };
  });
}

function rowOf(record: RecordFields): string[] {
  return FIELDS.map((name) => fieldText(record, name).replace(/^spiffe:\/\//, ''));
}
