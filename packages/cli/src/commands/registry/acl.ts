import { RegistryService } from '@rampart/wire';
import type { Command } from 'commander';
import { collectText } from '../../arguments/pair.ts';
import { EXIT } from '../../exit-code.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';

/** `rampart acl`: what the rules of the registry say. */
export function defineAcl(parent: Command, shell: Shell): void {
  const acl = parent.command('acl').description('what the rules of the registry say to a question');
  acl
    .command('check')
    .description('whether somebody may do something, and which rule says so; nothing is recorded (exit code 1 for no)')
    .argument('<identity>', 'SPIFFE ID, token:NAME, team:NAME, operator:NAME or anonymous')
    .argument('<action>', 'read, write or admin')
    .argument('<resource>', 'service:NAME, service:NAME.NAMESPACE or namespace:NAME/*')
    .option('--team <name>', 'a team that the token is of; may be repeated', collectText)
    .addHelpText(
      'after',
      examples(
        ['rampart acl check spiffe://cluster.local/ns/prod/sa/order read service:payment', 'in its own namespace'],
        ["rampart acl check team:ops admin 'namespace:prod/*'", 'what a team may do'],
        ['rampart get acl', 'the rules themselves'],
      ),
    )
    .action((...[identity, action, resource, { team = [] }, command]: CheckArguments) =>
      shell.run(command, (invocation) => check({ identity, action, resource, teams: team }, invocation)),
    );
}

type CheckArguments = [
  identity: string,
  action: string,
  resource: string,
  options: { readonly team?: readonly string[] },
  command: Command,
];

interface AskedAccess {
  readonly identity: string;
  readonly action: string;
  readonly resource: string;
  readonly teams: readonly string[];
}

async function check(asked: AskedAccess, { withService, show }: Invocation): Promise<number> {
  const { allowed, outcome, rule, reason } = await withService(RegistryService, (client) =>
    client.checkAccess({ ...asked, teams: [...asked.teams] }),
  );
  show({
    data: () => ({ ...asked, allowed, outcome, rule, reason }),
    table: () => `${outcome}: ${reason}\n`,
  });
  return allowed ? EXIT.ok : EXIT.no;
}
