import { RegistryService, type RegistrationApproval } from '@rampart/wire';
import type { Command } from 'commander';
import { EXIT } from '../../exit-code.ts';
import { renderTime } from '../../render/moment.ts';
import { columnsOf, renderTable } from '../../render/table.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';

interface DecideOptions {
  readonly namespace?: string;
  readonly identity?: string;
}

/** Registrations that wait for a person. */
export function defineApproval(parent: Command, shell: Shell): void {
  parent
    .command('pending')
    .description('registrations that wait for approval, oldest first')
    .option('--decided', 'those that were approved or rejected, too')
    .addHelpText(
      'after',
      examples(['rampart registry pending', 'who waits'], ['rampart registry pending --decided', 'what was decided']),
    )
    .action((options: { readonly decided?: boolean }, command: Command) =>
      shell.run(command, (invocation) => listPending(options.decided ?? false, invocation)),
    );
  for (const verb of ['approve', 'reject'] as const) {
    parent
      .command(verb)
      .description(verb === 'approve' ? 'let a registration in that waits' : 'keep a registration out that waits')
      .argument('<service>', 'its name')
      .option('-n, --namespace <name>', 'where it is (default: default)')
      .option('--identity <id>', 'one of those who wait, or who will (default: all who wait for this service)')
      .addHelpText(
        'after',
        examples([`rampart registry ${verb} payment-service -n prod`, `${verb} what waits under this name`]),
      )
      .action((service: string, options: DecideOptions, command: Command) =>
        shell.run(command, (invocation) => decide(verb, { service, ...options }, invocation)),
      );
  }
}

async function listPending(decided: boolean, { withService, show, note }: Invocation): Promise<number> {
  const { registrations } = await withService(RegistryService, (client) => client.listPending({ decided }));
  show({
    data: () => registrations.map(dataOf),
    table: () =>
      renderTable(
        columnsOf('NAMESPACE', 'SERVICE', 'IDENTITY', 'HOST', 'FROM', 'SINCE', ...(decided ? ['STATE', 'BY'] : [])),
        registrations.map((registration) => [
          registration.namespace,
          registration.service,
          registration.identity,
          registration.port === 0 ? '' : `${registration.host}:${registration.port}`,
          registration.sourceIp,
          renderTime(Number(registration.requestedAt)),
          ...(decided ? [registration.state, registration.decidedBy] : []),
        ]),
      ),
  });
  if (registrations.length === 0) note(decided ? 'nobody ever had to wait' : 'nobody waits for approval');
  return EXIT.ok;
}

async function decide(
  verb: 'approve' | 'reject',
  { service, namespace = '', identity = '' }: DecideOptions & { readonly service: string },
  { withService, show }: Invocation,
): Promise<number> {
  const { registrations } = await withService(RegistryService, (client) =>
    client[verb]({ service, namespace, identity }),
  );
  show({
    data: () => registrations.map(dataOf),
    table: () =>
      registrations.map((one) => `${one.identity} is ${one.state} for ${one.namespace}/${one.service}\n`).join(''),
  });
  return EXIT.ok;
}

function dataOf({ $typeName: _, $unknown: __, requestedAt, decidedAt, ...same }: RegistrationApproval): object {
  return {
    ...same,
    requestedAt: renderTime(Number(requestedAt)),
    decidedAt: decidedAt === 0n ? null : renderTime(Number(decidedAt)),
  };
}
