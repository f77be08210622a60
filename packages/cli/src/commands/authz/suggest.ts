import { RampartError } from '@rampart/core';
import type { SuggestedPolicies } from '@rampart/core/analysis';
import type { Suggestion } from '@rampart/wire';
import { type Command, Option } from 'commander';
import { parseDuration } from '../../arguments/duration.ts';
import { parseService } from '../../arguments/workload.ts';
import { EXIT } from '../../exit-code.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { replayProgress } from './replay-progress.ts';

interface SuggestOptions {
  readonly since: number;
  readonly namespace?: string;
}

const WEEK_MS = 7 * 24 * 60 * 60 * 1000;
// Connect takes 0 for no time limit.
const NO_LIMIT = 0;

export function defineSuggest(parent: Command, shell: Shell): void {
  parent
    .command('suggest')
    .description(
      'write the policies that allow what was allowed to call a service on record, and nothing else: ' +
        'exact callers and methods, paths with {*} where identifiers vary',
    )
    .argument('<service>', 'orders-api, orders-api.default or orders-api.default.svc.cluster.local')
    .addOption(
      new Option('--since <duration>', 'learn from requests of the last …')
        .argParser(parseDuration)
        .default(WEEK_MS, '7d'),
    )
    .option('-n, --namespace <name>', 'namespace of a short service name (default: default)')
    .addHelpText(
      'after',
      examples(
        ['rampart authz suggest orders-api.shop > orders.yaml', 'write it down, read it, change it'],
        ['rampart authz simulate -f orders.yaml --since 7d', 'then see what it would change'],
      ),
    )
    .action((service: string, options: SuggestOptions, command: Command) =>
      shell.run(command, (invocation) => suggest(service, options, invocation)),
    );
}

async function suggest(service: string, options: SuggestOptions, invocation: Invocation): Promise<number> {
  const { name, namespace } = parseService(service, options.namespace ?? 'default');
  const since = BigInt(invocation.io.clock.now() - options.since);
  const { yaml, reportJson } = await suggested({ service: `${name}.${namespace}`, since }, invocation);
  const report = JSON.parse(reportJson) as SuggestedPolicies;
  if (invocation.globals.output === 'json') invocation.show({ data: () => report, table: () => yaml });
  else invocation.io.stdout.write(yaml);
  invocation.note(summaryOf(report));
  return EXIT.ok;
}

async function suggested(
  request: { readonly service: string; readonly since: bigint },
  invocation: Invocation,
): Promise<Suggestion> {
  const progress = replayProgress(invocation);
  let suggestion: Suggestion | undefined;
  try {
    await invocation.withAdmin(async (client) => {
      for await (const { message } of client.suggest(request, { timeoutMs: NO_LIMIT })) {
        if (message.case === 'progress') progress.say(message.value);
        else if (message.case === 'suggestion') suggestion = message.value;
      }
    });
  } finally {
    progress.end();
  }
  if (suggestion === undefined)
    throw new RampartError('CONTROL_PLANE_UNREACHABLE', 'the control plane ended without an answer; try again');
  return suggestion;
}

function summaryOf({ requests, rules, leftOut }: SuggestedPolicies): string {
  const callers = rules.reduce((count, { principals }) => count + principals.length, 0);
  const learned = `${plural(rules.length, 'rule')} for ${plural(callers, 'caller')} from ${plural(requests, 'request')}`;
  const { plaintext, denied, unwritable } = leftOut;
  const others = [
    [denied, 'denied'],
    [plaintext, 'without identity'],
    [unwritable, 'that no policy can name'],
  ] as const;
  const left = others.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return `${learned}${left.length === 0 ? '' : `; left out: ${left.join(', ')}`}`;
}

function plural(count: number, what: string): string {
  return `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;
}
