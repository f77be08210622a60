import type { AccessLogRecord } from '@rampart/core';
import { InvalidArgumentError, type Command } from 'commander';
import { parseCount } from '../arguments/number.ts';
import { parseService } from '../arguments/workload.ts';
import { EXIT } from '../exit-code.ts';
import { wantsColour } from '../render/colour.ts';
import { renderData } from '../render/output.ts';
import { readRefusal, readRequest } from '../render/log-records.ts';
import { renderRefusalLine } from '../render/refusal-line.ts';
import { type LineStyle, renderRequestLine } from '../render/request-line.ts';
import { examples, type Invocation, type Shell } from '../shell.ts';

interface LogOptions {
  readonly follow?: boolean;
  readonly service?: string;
  readonly namespace?: string;
  readonly denied?: boolean;
  readonly history: number;
  readonly reporter?: Reporter;
}

type Reporter = 'source' | 'destination' | 'both';

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
    .option(
      '--history <count>',
      `begin with this many past records (default: ${DEFAULT_HISTORY})`,
      parseCount,
      DEFAULT_HISTORY,
    )
    .option(
      '--reporter <side>',
      'source, destination or both (default: the destination, and the source where a request never arrived)',
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

async function tail(options: LogOptions, invocation: Invocation): Promise<number> {
  const { io, withAdmin } = invocation;
  const service =
    options.service === undefined ? undefined : parseService(options.service, options.namespace ?? 'default');
  const stop = new AbortController();
  const release = io.onSignal(['SIGINT', 'SIGTERM', 'SIGHUP'], () => stop.abort());
  const write = writerOf(invocation);
  try {
    await withAdmin(async (client) => {
      const request = {
        history: options.history,
        follow: options.follow ?? false,
        service: service === undefined ? '' : `${service.name}.${service.namespace}`,
        decision: options.denied === true ? 'DENY' : '',
        reporter: options.reporter === 'source' || options.reporter === 'destination' ? options.reporter : '',
      };
      for await (const answer of client.tailLogs(request, { signal: stop.signal })) {
        for (const record of answer.records) if (wanted(readRequest(record), options.reporter)) write.request(record);
        for (const refusal of answer.connections) write.refusal(refusal);
      }
    });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    release();
  }
  return EXIT.ok;
}

// Both ends report a request that arrived; one line a request is what people expect.
function wanted(record: AccessLogRecord, reporter: Reporter | undefined): boolean {
  return reporter !== undefined || record.reporter === 'destination' || NEVER_ARRIVED.test(record.response_flags);
}

// Envoy's response flags of a request that no instance answered: no route, no cluster, no healthy instance, connection failure, overflow, fault, local limit.
const NEVER_ARRIVED = /\b(?:NR|NC|UH|UF|UO|URX|FI|RL)\b/;

interface LogWriter {
  request(json: string): void;
  refusal(json: string): void;
}

function writerOf({ io, globals }: Invocation): LogWriter {
  if (globals.output === 'json')
    return { request: (json) => io.stdout.write(`${json}\n`), refusal: (json) => io.stdout.write(`${json}\n`) };
  if (globals.output === 'yaml') {
    const write = (json: string): void => io.stdout.write(`---\n${renderData('yaml', JSON.parse(json))}`);
    return { request: write, refusal: write };
  }
  const style: LineStyle = { color: wantsColour(io.stdout, io.env), width: io.stdout.columns };
  return {
    request: (json) => io.stdout.write(`${renderRequestLine(readRequest(json), style)}\n`),
    refusal: (json) => io.stdout.write(`${renderRefusalLine(readRefusal(json), style)}\n`),
  };
}
