import type { Command } from 'commander';
import { parseDuration } from '../arguments/duration.ts';
import { workloadOptions, type WorkloadOptions, workloadOf } from '../arguments/workload-options.ts';
import { EXIT } from '../exit-code.ts';
import { renderSpan, renderTime } from '../render/moment.ts';
import { examples, type Invocation, type Shell } from '../shell.ts';

interface TokenOptions extends WorkloadOptions {
  readonly ttl?: number;
}

export function defineToken(parent: Command, shell: Shell): void {
  const create = parent
    .command('token')
    .description('join tokens: what a workload shows once to get its first certificate')
    .command('create')
    .description('make a join token and print it, alone, on standard output; it works once')
    .option('--ttl <duration>', 'how long it can be used (default: 10m)', parseDuration)
    .addHelpText(
      'after',
      examples(
        [
          'rampart token create --service orders-api --service-account orders-api > token',
          'for one start of orders-api',
        ],
        ['rampart token create --service-account batch --ttl 1m', 'for a client that serves nothing'],
      ),
    )
    .action((options: TokenOptions, command: Command) =>
      shell.run(command, (invocation) => createToken(options, invocation)),
    );
  for (const option of workloadOptions()) create.addOption(option);
}

async function createToken(options: TokenOptions, { withAdmin, show, note, io }: Invocation): Promise<number> {
  const workload = workloadOf(options);
  const ttlSeconds = options.ttl === undefined ? 0 : Math.max(1, Math.ceil(options.ttl / 1_000));
  const answer = await withAdmin((client) => client.createJoinToken({ workload, ttlSeconds }));
  const expiresAt = Number(answer.expiresAt);
  show({
    data: () => ({ token: answer.token, spiffeId: answer.spiffeId, expiresAt: renderTime(expiresAt) }),
    table: () => `${answer.token}\n`,
  });
  note(`for ${answer.spiffeId}, once, within ${renderSpan(expiresAt - io.clock.now())}`);
  return EXIT.ok;
}
