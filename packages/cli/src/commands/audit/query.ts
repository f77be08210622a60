import type { Command } from 'commander';
import { parseLimit } from '../../arguments/number.ts';
import { EXIT } from '../../exit-code.ts';
import { fieldText, parseRecords, type RecordFields } from '../../render/record-fields.ts';
import { columnsOf, renderTable } from '../../render/table.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { ask, questionOf, type QuestionOptions } from './ask.ts';
import { QUESTIONS } from './questions.ts';

interface QueryOptions extends QuestionOptions {
  readonly type?: string;
  readonly limit: number;
}

const DEFAULT_LIMIT = 50;

export function defineAuditQuery(parent: Command, shell: Shell): void {
  parent
    .command('query')
    .argument('[question]', `a question by its name: ${QUESTIONS.map(({ name }) => name).join(', ')}`)
    .description('audit records, newest first; or the answer to a question in SQL')
    .option('--type <event>', 'only this type of event, such as REGISTRATION')
    .option('--limit <count>', `at most this many (default: ${DEFAULT_LIMIT})`, parseLimit, DEFAULT_LIMIT)
    .option('--sql <select>', 'one SELECT of PostgreSQL over audit_logs and allowed_services')
    .option('--file <file>', 'a file with one SELECT')
    .addHelpText(
      'after',
      `\nQuestions:\n${QUESTIONS.map(({ name, about }) => `  ${name.padEnd(24)}${about}`).join('\n')}\n`,
    )
    .addHelpText(
      'after',
      examples(
        ['rampart audit query', 'what happened last'],
        ['rampart audit query --type REGISTRATION -o json', 'one type, with every field'],
        ['rampart audit query authorization-failures', 'who is refused again and again'],
        [
          `rampart audit query --sql "SELECT event_type, COUNT(*) AS n FROM audit_logs GROUP BY event_type"`,
          'your own',
        ],
      ),
    )
    .action((question: string | undefined, options: QueryOptions, command: Command) =>
      shell.run(command, async (invocation) => {
        const sql = await questionOf(question, options, invocation.io.workingDirectory);
        return sql === undefined ? query(options, invocation) : ask(sql, invocation);
      }),
    );
}

const FIELDS = ['timestamp', 'sequence', 'event_type', 'service_name', 'identity', 'source_ip', 'result', 'details'];

async function query(options: QueryOptions, { withAdmin, show, note, io, globals }: Invocation): Promise<number> {
  const answer = await withAdmin((client) =>
    client.queryAudit({ eventType: options.type ?? '', limit: options.limit }),
  );
  const records = parseRecords(answer.records);
  const columns = columnsOf('TIME', '>SEQ', 'TYPE', 'SERVICE', 'IDENTITY', 'SOURCE', 'RESULT', 'DETAILS');
  if (records.length > 0 || globals.output !== 'table')
    show({
      data: () => records,
      table: () => renderTable(columns, records.map(rowOf), { width: io.stdout.columns }),
    });
  if (records.length === 0) {
    note(options.type === undefined ? 'nothing on record yet' : `no record of type ${options.type}`);
  }
  return EXIT.ok;
}

function rowOf(record: RecordFields): string[] {
  return FIELDS.map((name) => fieldText(record, name).replace(/^spiffe:\/\//, ''));
}
