import type { Client } from '@connectrpc/connect';
import { type RegisteredInstance, RegistryService } from '@rampart/wire';
import type { Command } from 'commander';
import { EXIT } from '../../exit-code.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { healthOf, instanceData } from './instance-view.ts';

interface DeregisterOptions {
  readonly reason: string;
}

export function defineDeregister(parent: Command, shell: Shell): void {
  parent
    .command('deregister')
    .description('take an instance out of the registry; one of the mesh comes back when it connects again')
    .argument('<instance>', 'id of the instance, as "rampart registry show" lists it')
    .option('--reason <words>', 'why, for the record', 'asked for by an operator')
    .addHelpText(
      'after',
      examples([
        'rampart registry deregister orders-1 --reason "its host is gone"',
        'the reason is on the audit record',
      ]),
    )
    .action((instanceId: string, { reason }: DeregisterOptions, command: Command) =>
      shell.run(command, async ({ withService, show }) => {
        await withService(RegistryService, (client) => client.deregister({ instanceId, reason }));
        show({ data: () => ({ instanceId, deregistered: true }), table: () => `${instanceId} is deregistered\n` });
        return EXIT.ok;
      }),
    );
}

interface DrainOptions {
  readonly undo?: boolean;
}

export function defineDrain(parent: Command, shell: Shell): void {
  parent
    .command('drain')
    .description('give an instance nothing new; what it has under way goes on')
    .argument('<instance>', 'id of the instance, as "rampart registry show" lists it')
    .option('--undo', 'give it work again')
    .addHelpText('after', examples(['rampart registry drain orders-1', 'before it is stopped']))
    .action((instanceId: string, { undo = false }: DrainOptions, command: Command) =>
      shell.run(command, (invocation) => change(invocation, (client) => client.drain({ instanceId, undo }))),
    );
}

interface MaintenanceOptions {
  readonly reason: string;
  readonly off?: boolean;
}

export function defineMaintenance(parent: Command, shell: Shell): void {
  parent
    .command('maintenance')
    .description('take an instance out of service until it is taken back, whatever its checks say')
    .argument('<instance>', 'id of the instance, as "rampart registry show" lists it')
    .option('--reason <words>', 'why, for everybody who looks', 'maintenance')
    .option('--off', 'take it back into service')
    .addHelpText(
      'after',
      examples(
        ['rampart registry maintenance orders-1 --reason "a new disk"', 'out of service'],
        ['rampart registry maintenance orders-1 --off', 'and back'],
      ),
    )
    .action((instanceId: string, { reason, off = false }: MaintenanceOptions, command: Command) =>
      shell.run(command, (invocation) =>
        change(invocation, (client) => client.setMaintenance({ instanceId, enabled: !off, reason })),
      ),
    );
}

type Change = (
  client: Client<typeof RegistryService>,
) => Promise<{ readonly instance?: RegisteredInstance | undefined }>;

async function change({ withService, show }: Invocation, make: Change): Promise<number> {
  const { instance } = await withService(RegistryService, make);
  if (instance === undefined) return EXIT.no;
  show({ data: () => instanceData(instance), table: () => `${instance.instanceId} is ${healthOf(instance)}\n` });
  return EXIT.ok;
}
