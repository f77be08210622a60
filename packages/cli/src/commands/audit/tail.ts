import type { Command } from 'commander';
import type { AdminClient } from '../../connection/admin-connection.ts';
import { parseLimit } from '../../arguments/number.ts';
import { EXIT } from '../../exit-code.ts';
import { fieldText, parseRecords, type RecordFields } from '../../render/record-fields.ts';
import { printable } from '../../render/text.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { followLog, paused } from '../followed-log.ts';
import { parseEventType } from './event-type.ts';

interface TailOptions {
  readonly follow?: boolean;
  readonly type?: string;
  readonly history: number;
}

const DEFAULT_HISTORY = 20;
const LOOK_EVERY_MS = 500;
const A_PAGE = 1000;

export function defineAuditTail(parent: Command, shell: Shell): void {
  parent
    .command('tail')
    .description('audit records one a line, oldest first; -f goes on with new ones')
    .option('-f, --follow', 'go on with new records until Ctrl-C')
    .option('--type <event>', 'only this type of event, such as REGISTRATION', parseEventType)
    .option('--history <count>', 'begin with this many past records', parseLimit, DEFAULT_HISTORY)
    .addHelpText(
      'after',
      examples(
        ['rampart audit tail -f', 'watch'],
        ['rampart audit tail -f --type AUTHORIZATION_DENIED', 'who is refused'],
        ['rampart audit tail -f -o json', 'one JSON object a line, for a SIEM'],
      ),
    )
    .action((options: TailOptions, command: Command) => shell.run(command, (invocation) => tail(options, invocation)));
}

async function tail(options: TailOptions, invocation: Invocation): Promise<number> {
  const { io, withAdmin, note } = invocation;
  const stop = new AbortController();
  const release = io.onSignal(['SIGINT', 'SIGTERM', 'SIGHUP'], () => stop.abort());
  const shown = new ShownRecords(invocation);
  const eventType = options.type ?? '';
  const begin = async (client: AdminClient): Promise<void> => {
    const { records } = await client.queryAudit({ eventType, limit: options.history });
    shown.add(records.toReversed());
    if (shown.last > 0) return;
    // None of this type yet: what comes after the newest of any.
    const newest = await client.queryAudit({ limit: 1 });
    shown.startAfter(newest.records);
  };
  try {
    if (options.follow !== true) {
      await withAdmin(begin);
      if (shown.count === 0)
        note(options.type === undefined ? 'nothing on record yet' : `no record of type ${options.type}`);
    } else
      await followLog({
        invocation,
        stop: stop.signal,
        open: (client) => open(client),
        show: (page) => shown.add(page),
      });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    release();
  }
  return EXIT.ok;

  async function* open(client: AdminClient): AsyncGenerator<readonly string[]> {
    if (shown.last === 0) await begin(client);
    while (!stop.signal.aborted) {
      const request = { eventType, limit: A_PAGE, after: BigInt(shown.last) };
      const { records } = await client.queryAudit(request, { signal: stop.signal });
      yield records;
      if (records.length < A_PAGE) await paused(LOOK_EVERY_MS, { clock: io.clock, stop: stop.signal });
    }
  }
}

/** Writes records, and knows the last one. */
class ShownRecords {
  readonly #invocation: Invocation;
  #last = 0;
  #count = 0;

  constructor(invocation: Invocation) {
    this.#invocation = invocation;
  }

  /** Sequence; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  get count(): number {
    return this.#count;
  }

  startAfter(records: readonly string[]): void {
    this.#last = Math.max(this.#last, ...parseRecords(records).map(sequenceOf));
  }

  add(records: readonly string[]): void {
    const { io, globals, renderData, palette } = this.#invocation;
    for (const record of parseRecords(records)) {
      if (globals.output === 'json') io.stdout.write(`${JSON.stringify(record)}\n`);
      else if (globals.output === 'yaml') io.stdout.write(`---\n${renderData(record)}`);
      else io.stdout.write(`${lineOf(record, palette)}\n`);
      this.#last = Math.max(this.#last, sequenceOf(record));
      this.#count += 1;
    }
  }
}

function sequenceOf(record: RecordFields): number {
  return Number(record['sequence'] ?? 0);
}

function lineOf(record: RecordFields, palette: Invocation['palette']): string {
  const text = (name: string): string => printable(fieldText(record, name));
  const result = text('result');
  const about = ['service_name', 'instance_id', 'source_ip'].map(text).filter((value) => value !== '');
  return [
    text('timestamp'),
    text('event_type'),
    result === 'SUCCESS' ? palette.good(result) : palette.bad(result),
    text('identity').replace(/^spiffe:\/\//, '') || '-',
    ...about,
    text('details'),
  ].join('  ');
}
