import type { Command } from 'commander';
import { parseDuration } from '../arguments/duration.ts';
import { workloadOptions, type WorkloadOptions, workloadOf } from '../arguments/workload-options.ts';
import { RampartError } from '@rampart/core';
import { EXIT } from '../exit-code.ts';
import { renderSpan, renderTime } from '../render/moment.ts';
import { examples, type Invocation, type Shell } from '../shell.ts';

interface TokenOptions extends WorkloadOptions {
  readonly ttl?: number;
  readonly agent?: string;
}

export function defineToken(parent: Command, shell: Shell): void {
  const create = parent
    .command('token')
    .description('join tokens: what a workload or agent shows once to get its first certificate')
    .command('create')
    .description('make a join token and print it, alone, on standard output; it works once')
    .option(
      '--agent <name>',
      'for the agent of a host instead of a workload: spiffe://<trust domain>/agent/join_token/<name>',
    )
    .option('--ttl <duration>', 'how long it can be used (default: 10m)', parseDuration)
    .addHelpText(
      'after',
      examples(
        [
          'rampart token create --service orders-api --service-account orders-api > token',
          'for one start of orders-api',
        ],
        ['rampart token create --service-account batch --ttl 1m', 'for a client that serves nothing'],
        ['rampart token create --agent host-1', 'for the agent of a host'],
      ),
    )
    .action((options: TokenOptions, command: Command) =>
      shell.run(command, (invocation) => createToken(options, invocation)),
    );
  for (const option of workloadOptions()) create.addOption(option);
}

async function createToken(options: TokenOptions, { withAdmin, show, note, io }: Invocation): Promise<number> {
  const subject = options.agent === undefined ? { workload: workloadOf(options) } : agentOf(options, options.agent);
  const ttlSeconds = options.ttl === undefined ? 0 : Math.max(1, Math.ceil(options.ttl / 1_000));
  const answer = await withAdmin((client) => client.createJoinToken({ ...subject, ttlSeconds }));
  const expiresAt = Number(answer.expiresAt);
  show({
    data: () => ({ token: answer.token, spiffeId: answer.spiffeId, expiresAt: renderTime(expiresAt) }),
    table: () => `${answer.token}\n`,
  });
  note(`for ${answer.spiffeId}, once, within ${renderSpan(expiresAt - io.clock.now())}`);
  return EXIT.ok;
}

/** An agent has a name and nothing else. */
function agentOf(options: TokenOptions, agent: string): { readonly agent: string } {
  const { service, namespace, serviceAccount, label } = options;
  if ([service, namespace, serviceAccount, label].some((given) => given !== undefined)) {
    throw new RampartError('INVALID_ARGUMENT', '--agent cannot stand beside the options of a workload');
  }
  return { agent };
}
