import { InvalidArgumentError, type Command } from 'commander';
import { parseCount } from '../arguments/number.ts';
import { parseService } from '../arguments/workload.ts';
import { EXIT } from '../exit-code.ts';
import { wantsColour } from '../render/colour.ts';
import { inOrder, type LogEntry, readEntries } from '../render/log-records.ts';
import { ShownEntries } from '../render/shown-entries.ts';
import { renderRefusalLine } from '../render/refusal-line.ts';
import { type LineStyle, renderRequestLine } from '../render/request-line.ts';
import { examples, type Invocation, type Shell } from '../shell.ts';
import { followLog } from './followed-log.ts';
import { isWanted, type Reporter } from './log-choice.ts';

interface LogOptions {
  readonly follow?: boolean;
  readonly service?: string;
  readonly namespace?: string;
  readonly denied?: boolean;
  readonly history: number;
  readonly reporter?: Reporter;
}

const DEFAULT_HISTORY = 50;
const REPORTERS: readonly Reporter[] = ['source', 'destination', 'both'];

export function defineLogs(parent: Command, shell: Shell): void {
  parent
    .command('logs')
    .description('one line a request: when, who → whom, what, answer, decision, and the policy that decided')
    .option('-f, --follow', 'go on with new requests until Ctrl-C')
    .option('--service <name>', 'only requests to this service')
    .option('-n, --namespace <name>', 'namespace of a short service name (default: default)')
    .option('--denied', 'only what was refused')
    .option('--history <count>', 'begin with this many past records', parseCount, DEFAULT_HISTORY)
    .option(
      '--reporter <side>',
      'source, destination or both (default: the destination, and the source where that cannot say it)',
      parseReporter,
    )
    .addHelpText(
      'after',
      examples(
        ['rampart logs -f', 'watch'],
        ['rampart logs -f --denied --service payments.shop', 'what one service refuses'],
        ['rampart logs --history 1000 -o json', 'one JSON object a line, for a script'],
      ),
    )
    .action((options: LogOptions, command: Command) => shell.run(command, (invocation) => tail(options, invocation)));
}

function parseReporter(text: string): Reporter {
  const reporter = REPORTERS.find((known) => known === text);
  if (reporter === undefined) throw new InvalidArgumentError(`write ${REPORTERS.join(', ')}.`);
  return reporter;
}

// Connect takes 0 for no time limit.
const NO_LIMIT = 0;

async function tail(options: LogOptions, invocation: Invocation): Promise<number> {
  const stop = new AbortController();
  const release = invocation.io.onSignal(['SIGINT', 'SIGTERM', 'SIGHUP'], () => stop.abort());
  try {
    if (options.follow === true) await follow(options, invocation, stop.signal);
    else await showPast(options, invocation, stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    release();
  }
  return EXIT.ok;
}

async function showPast(options: LogOptions, invocation: Invocation, signal: AbortSignal): Promise<void> {
  const write = writerOf(invocation);
  const past: LogEntry[] = [];
  await invocation.withAdmin(async (client) => {
    for await (const answer of client.tailLogs(requestOf(options), { signal, timeoutMs: NO_LIMIT }))
      past.push(...readEntries(answer).filter((entry) => isWanted(entry, options.reporter)));
  });
  if (options.history > 0) for (const entry of inOrder(past).slice(-options.history)) write(entry);
}

/** What came while the control plane was away is in its history when it is back. */
function follow(options: LogOptions, invocation: Invocation, stop: AbortSignal): Promise<void> {
  const write = writerOf(invocation);
  const request = requestOf(options);
  const shown = new ShownEntries(new Date(invocation.io.clock.now()).toISOString());
  return followLog({
    invocation,
    stop,
    open: (client, again) => {
      const history = again ? LONGEST_HISTORY : request.history;
      return client.tailLogs({ ...request, history }, { signal: stop, timeoutMs: NO_LIMIT });
    },
    show: (answer, again) => {
      for (const entry of readEntries(answer)) {
        if (!isWanted(entry, options.reporter) || (again && !shown.lacks(entry))) continue;
        write(entry);
        shown.add(entry);
      }
    },
  });
}

function requestOf(options: LogOptions): TailRequest {
  const follow = options.follow ?? false;
  const service =
    options.service === undefined ? undefined : parseService(options.service, options.namespace ?? 'default');
  return {
    // Both ends report a request, each in batches of its own: of the newest records, most may be of the end left out.
    history: options.reporter === undefined && !follow ? options.history * 2 + BATCH_SLACK : options.history,
    follow,
    service: service === undefined ? '' : `${service.name}.${service.namespace}`,
    decision: options.denied === true ? 'DENY' : '',
    reporter: options.reporter === 'source' || options.reporter === 'destination' ? options.reporter : '',
  };
}

interface TailRequest {
  readonly history: number;
  readonly follow: boolean;
  readonly service: string;
  readonly decision: string;
  readonly reporter: string;
}

const BATCH_SLACK = 1000;
/** The most that the control plane gives at once. */
const LONGEST_HISTORY = 10_000;

function writerOf({ io, globals, renderData }: Invocation): (entry: LogEntry) => void {
  if (globals.output === 'json') return ({ json }) => io.stdout.write(`${json}\n`);
  if (globals.output === 'yaml') return ({ record }) => io.stdout.write(`---\n${renderData(record)}`);
  const color = wantsColour(io.stdout, io.env);
  return (entry) => io.stdout.write(`${lineOf(entry, { color, width: io.stdout.columns })}\n`);
}

function lineOf(entry: LogEntry, style: LineStyle): string {
  return entry.kind === 'request' ? renderRequestLine(entry.record, style) : renderRefusalLine(entry.record, style);
}
