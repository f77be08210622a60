import { serviceHost } from '@rampart/core';
import { type RegisteredInstance, RegistryService } from '@rampart/wire';
import { type Command, Option } from 'commander';
import { collectLabel, collectText, type Pairs } from '../../arguments/pair.ts';
import { type Place, parsePlace } from '../../arguments/place.ts';
import { parseService } from '../../arguments/workload.ts';
import { EXIT } from '../../exit-code.ts';
import { renderSpan } from '../../render/moment.ts';
import { columnsOf, renderTable } from '../../render/table.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { healthCell, instanceData, isInService, renderInstances } from './instance-view.ts';

interface ListOptions {
  readonly namespace?: string;
}

export function defineList(parent: Command, shell: Shell): void {
  parent
    .command('list', { isDefault: true })
    .description('services and how many instances each has')
    .option('-n, --namespace <name>', 'only this namespace')
    .addHelpText('after', examples(['rampart registry list --namespace prod', 'the services of one namespace']))
    .action((options: ListOptions, command: Command) =>
      shell.run(command, (invocation) => listServices(options, invocation)),
    );
}

async function listServices({ namespace = '' }: ListOptions, { withService, show, note }: Invocation): Promise<number> {
  const { services } = await withService(RegistryService, (client) => client.listServices({ namespace }));
  show({
    data: () =>
      services.map(({ name, namespace: where, instances, tags, revision }) => ({
        namespace: where,
        name,
        instances,
        tags,
        revision: Number(revision),
      })),
    table: () =>
      renderTable(
        columnsOf('NAMESPACE', 'SERVICE', '>INSTANCES', 'TAGS'),
        services.map((service) => [
          service.namespace,
          service.name,
          String(service.instances),
          service.tags.join(', '),
        ]),
      ),
  });
  if (services.length === 0) note('no service is registered');
  return EXIT.ok;
}

interface ShowOptions {
  readonly namespace: string;
  readonly tag?: readonly string[];
  readonly label?: Pairs;
  readonly near?: Place;
  readonly health: string;
}

export function defineShow(parent: Command, shell: Shell): void {
  parent
    .command('show')
    .description('the instances of a service, where they are and in what state; exit code 1 when there is none')
    .argument('<service>', 'name of the service: orders-api, or orders-api.default')
    .option('-n, --namespace <name>', 'namespace of a short name', 'default')
    .option('--tag <tag>', 'only instances with this tag; may be repeated', collectText)
    .option('-l, --label <key=value>', 'only instances with this label; may be repeated', collectLabel)
    .option('--near <region[/zone]>', 'those that are near come first', parsePlace)
    .addOption(
      new Option('--health <state>', 'usable: may be given work; passing: and no check warns')
        .choices(['any', 'usable', 'passing'])
        .default('any'),
    )
    .addHelpText(
      'after',
      examples(
        ['rampart registry show orders-api', 'all of them'],
        ['rampart registry show orders-api --health usable --near eu/eu-1', 'as a load balancer wants them'],
      ),
    )
    .action((service: string, options: ShowOptions, command: Command) =>
      shell.run(command, (invocation) => showService(service, options, invocation)),
    );
}

async function showService(service: string, options: ShowOptions, invocation: Invocation): Promise<number> {
  const { show, note, palette } = invocation;
  const { instances, host } = await find(service, options, invocation);
  show({ data: () => instances.map(instanceData), table: () => renderInstances(instances, palette) });
  if (instances.length > 0) return EXIT.ok;
  note(`no such instance of ${host} is registered; "rampart registry list" says what is`);
  return EXIT.no;
}

export function defineHealth(parent: Command, shell: Shell): void {
  parent
    .command('health')
    .description('what the checks of a service say; exit code 1 when no instance of it is in service')
    .argument('<service>', 'name of the service: orders-api, or orders-api.default')
    .option('-n, --namespace <name>', 'namespace of a short name', 'default')
    .addHelpText(
      'after',
      examples(
        ['rampart registry health orders-api', 'what its checks say now'],
        ['until rampart registry health orders-api; do sleep 1; done', 'wait for it'],
      ),
    )
    .action((service: string, options: ShowOptions, command: Command) =>
      shell.run(command, (invocation) => showHealth(service, options, invocation)),
    );
}

async function showHealth(service: string, options: ShowOptions, invocation: Invocation): Promise<number> {
  const { show, note, io } = invocation;
  const { instances, host } = await find(service, { ...options, health: 'any' }, invocation);
  const inService = instances.filter(isInService).length;
  show({
    data: () => ({ service: host, instances: instances.length, inService, details: instances.map(instanceData) }),
    table: () => renderChecks(instances, invocation, io.clock.now()),
  });
  note(`${inService} of ${instances.length} in service`);
  return inService === 0 ? EXIT.no : EXIT.ok;
}

function renderChecks(instances: readonly RegisteredInstance[], { palette }: Invocation, now: number): string {
  return renderTable(
    columnsOf('INSTANCE', 'HEALTH', 'CHECK', 'TYPE', 'STATUS', 'FOR', 'OUTPUT'),
    instances.flatMap((instance) => {
      const own = [instance.instanceId, healthCell(instance, palette)];
      if (instance.checks.length === 0) return [own];
      return instance.checks.map(({ name, type, status, changedAt, output }) => [
        ...own,
        name,
        type,
        { text: status, paint: status === 'passing' ? palette.good : palette.bad },
        renderSpan(now - Number(changedAt)),
        output.split('\n', 1)[0] ?? '',
      ]);
    }),
  );
}

async function find(
  text: string,
  { namespace: short, tag = [], label = {}, near, health }: ShowOptions,
  { withService }: Invocation,
): Promise<{ readonly instances: readonly RegisteredInstance[]; readonly host: string }> {
  const { name: service, namespace } = parseService(text, short);
  const selector = Object.entries(label).map(([key, value]) => ({ key, operator: 'In', values: [value] }));
  const request = { service, namespace, tags: [...tag], selector, health, ...(near === undefined ? {} : { near }) };
  const { instances } = await withService(RegistryService, (client) => client.find(request));
  return { instances, host: serviceHost({ name: service, namespace }) };
}
