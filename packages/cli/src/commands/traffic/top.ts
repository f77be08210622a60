import type { ServiceTraffic, WatchTrafficResponse } from '@rampart/wire';
import { type Command, Option } from 'commander';
import { parseDuration } from '../../arguments/duration.ts';
import { parseService } from '../../arguments/workload.ts';
import { EXIT } from '../../exit-code.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { renderTraffic, trafficData } from '../../views/traffic.ts';
import { followLog } from '../followed-log.ts';

interface TopOptions {
  readonly namespace?: string;
  readonly window: number;
  readonly interval: number;
  readonly once?: boolean;
}

const WINDOW_MS = 10_000;
const INTERVAL_MS = 1000;
// Connect takes 0 for no time limit.
const NO_LIMIT = 0;
/** Goes to the first line and takes away what is below. */
const AFRESH = '\u001b[H\u001b[J';

export function defineTop(parent: Command, shell: Shell): void {
  parent
    .command('top')
    .description('how requests to each service go, live: rate, times, success, mutual TLS, breakers, ejected instances')
    .argument('[service]', 'only this service: orders-api, or orders-api.default')
    .option('-n, --namespace <name>', 'namespace of a short service name (default: default)')
    .addOption(
      new Option('--window <duration>', 'what is looked back, at most 1m')
        .argParser(parseDuration)
        .default(WINDOW_MS, '10s'),
    )
    .addOption(
      new Option('--interval <duration>', 'time between two looks').argParser(parseDuration).default(INTERVAL_MS, '1s'),
    )
    .option('--once', 'one look and no more, as it is where nobody watches')
    .addHelpText(
      'after',
      examples(
        ['rampart top', 'watch until Ctrl-C'],
        ['rampart top orders-api --window 1m', 'one service, over the last minute'],
        ['rampart top --once -o json', 'for a script'],
      ),
    )
    .action((service: string | undefined, options: TopOptions, command: Command) =>
      shell.run(command, (invocation) => top(service, options, invocation)),
    );
}

async function top(service: string | undefined, options: TopOptions, invocation: Invocation): Promise<number> {
  const { io, globals } = invocation;
  const stop = new AbortController();
  const release = io.onSignal(['SIGINT', 'SIGTERM', 'SIGHUP'], () => stop.abort());
  const named = service === undefined ? undefined : parseService(service, options.namespace ?? 'default');
  const once = options.once === true || (globals.output === 'table' && !io.stdout.isTerminal);
  const request = {
    service: named === undefined ? '' : `${named.name}.${named.namespace}`,
    windowMs: options.window,
    intervalMs: options.interval,
    once,
  };
  try {
    if (once) {
      await invocation.withAdmin(async (client) => {
        for await (const answer of client.watchTraffic(request, { signal: stop.signal })) showOnce(answer, invocation);
      });
    } else {
      await followLog({
        invocation,
        stop: stop.signal,
        open: (client) => client.watchTraffic(request, { signal: stop.signal, timeoutMs: NO_LIMIT }),
        show: (answer) => redraw(answer, options, invocation),
      });
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    release();
  }
  return EXIT.ok;
}

function showOnce(answer: WatchTrafficResponse, { show, palette, io }: Invocation): void {
  show({
    data: () => trafficData(answer),
    table: () => renderTraffic(answer.services, { palette, width: io.stdout.columns }),
  });
}

function redraw(answer: WatchTrafficResponse, { window }: TopOptions, invocation: Invocation): void {
  const { io, globals, palette, renderData } = invocation;
  if (globals.output === 'json') io.stdout.write(`${JSON.stringify(trafficData(answer))}\n`);
  else if (globals.output === 'yaml') io.stdout.write(`---\n${renderData(trafficData(answer))}`);
  else {
    const title = palette.dim(`${summaryOf(answer.services)}, last ${window / 1000} s; Ctrl-C ends`);
    io.stdout.write(`${AFRESH}${title}\n\n${renderTraffic(answer.services, { palette, width: io.stdout.columns })}`);
  }
}

function summaryOf(services: readonly ServiceTraffic[]): string {
  const rate = services.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0);
  return `${services.length} ${services.length === 1 ? 'service' : 'services'}, ${rate.toFixed(1)} requests/s`;
}
