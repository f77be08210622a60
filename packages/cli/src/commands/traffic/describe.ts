import { parseResource, RampartError, type Resource, selects, serviceHost } from '@rampart/core';
import { RegistryService, type RegisteredInstance, type ServiceTraffic, type TlsCheck } from '@rampart/wire';
import type { Command } from 'commander';
import { parseService } from '../../arguments/workload.ts';
import { EXIT } from '../../exit-code.ts';
import { columnsOf, renderTable } from '../../render/table.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { renderTraffic, serviceTrafficData } from '../../views/traffic.ts';
import { addressOf, instanceData, renderInstances } from '../registry/instance-view.ts';
import { defineDescribeCall } from './describe-call.ts';
import { renderSubsets, subsetData, subsetsOf } from './subset-view.ts';

interface ServiceName {
  readonly name: string;
  readonly namespace: string;
}

/** What there is to know of one service. */
interface Description extends ServiceName {
  readonly instances: readonly RegisteredInstance[];
  readonly tls: readonly TlsCheck[];
  /** What decides about requests to it, and how they are carried. */
  readonly resources: readonly Resource[];
  readonly traffic: ServiceTraffic | undefined;
}

const WINDOW_MS = 60_000;

export function defineDescribe(parent: Command, shell: Shell): void {
  const describe = parent.command('describe').description('everything about one thing, on one page');
  describe
    .command('service')
    .description('a service: instances, mutual TLS, what rules are about it, and how requests to it go')
    .argument('<service>', 'name of the service: orders-api, or orders-api.default')
    .option('-n, --namespace <name>', 'namespace of a short name', 'default')
    .addHelpText(
      'after',
      examples(
        ['rampart describe service orders-api', 'one page'],
        ['rampart describe service payments.shop -o json', 'the same for a script'],
      ),
    )
    .action((service: string, options: { readonly namespace: string }, command: Command) =>
      shell.run(command, (invocation) => describeService(parseService(service, options.namespace), invocation)),
    );
  defineDescribeCall(describe, shell);
}

async function describeService(service: ServiceName, invocation: Invocation): Promise<number> {
  const description = await find(service, invocation);
  const isKnown = description.instances.length > 0 || (description.traffic?.requests ?? 0n) > 0n;
  if (!isKnown && description.resources.length === 0) {
    const host = serviceHost(service);
    throw new RampartError(
      'NOT_FOUND',
      `${host} is not registered, and nobody calls it; "rampart registry list" lists what there is`,
    );
  }
  invocation.show({ data: () => dataOf(description), table: () => pageOf(description, invocation) });
  return EXIT.ok;
}

async function find(service: ServiceName, { withAdmin, withService }: Invocation): Promise<Description> {
  const { name, namespace } = service;
  const { instances } = await withService(RegistryService, (client) =>
    client.find({ service: name, namespace, health: 'any' }),
  );
  return withAdmin(async (client) => {
    const [status, tls, stored] = await Promise.all([
      client.getStatus({}),
      client.checkTls({ service: `${name}.${namespace}` }),
      client.getResources({}),
    ]);
    let traffic: ServiceTraffic | undefined;
    const watched = client.watchTraffic({ service: `${name}.${namespace}`, windowMs: WINDOW_MS, once: true });
    for await (const answer of watched) traffic = answer.services[0];
    const all = stored.resources.flatMap(({ json }) => {
      const parsed = parseResource(JSON.parse(json));
      return parsed.ok ? [parsed.value] : [];
    });
    const resources = all.filter((resource) =>
      isAbout(resource, { service, instances, rootNamespace: status.rootNamespace }),
    );
    return { ...service, instances, tls: tls.checks, resources, traffic };
  });
}

interface Subject {
  readonly service: ServiceName;
  readonly instances: readonly RegisteredInstance[];
  readonly rootNamespace: string;
}

function isAbout(resource: Resource, { service, instances, rootNamespace }: Subject): boolean {
  const isCalled = (host: string): boolean => isHostOf(host, resource.metadata.namespace, service);
  if (resource.kind === 'VirtualService') return resource.spec.hosts.some(isCalled);
  if (resource.kind === 'DestinationRule' || resource.kind === 'Fallback') return isCalled(resource.spec.host);
  if (resource.kind === 'Quarantine')
    return instances.some(({ spiffeId }) =>
      resource.spec.identities.some((identity) => isIdentity(identity, spiffeId)),
    );
  return instances.some(({ namespace, labels }) => selects(resource, { namespace, labels }, rootNamespace));
}

/** "shop/orders-api" of whichever trust domain, or the SPIFFE ID itself. */
function isIdentity(text: string, spiffeId: string): boolean {
  const [namespace = '', account = ''] = text.split('/');
  return text === spiffeId || spiffeId.endsWith(`/ns/${namespace}/sa/${account}`);
}

/** "orders-api" in its own namespace, "orders-api.shop", and longer; "*.shop.svc.cluster.local". */
function isHostOf(host: string, ruleNamespace: string, { name, namespace }: ServiceName): boolean {
  if (host === '*') return true;
  const full = `${name}.${namespace}.svc.cluster.local`;
  if (host.startsWith('*.')) return full.endsWith(host.slice(1));
  return host.includes('.')
    ? full === host || full.startsWith(`${host}.`)
    : host === name && ruleNamespace === namespace;
}

function pageOf({ instances, tls, resources, traffic, ...service }: Description, { palette, io }: Invocation): string {
  const modes = [...new Set(tls.map(({ mode }) => mode))].join(', ');
  const facts = [
    `Service      ${serviceHost(service)}`,
    `Mutual TLS   ${modes === '' ? 'no instance says' : modes}`,
    `Identities   ${[...new Set(instances.map(({ spiffeId }) => spiffeId))].join(', ') || 'none'}`,
  ];
  const rules = resources.map(({ kind, metadata }) => [kind, metadata.namespace, metadata.name]);
  const subsets = subsetsOf(resources, instances);
  return [
    `${facts.join('\n')}\n`,
    instances.length === 0 ? 'No instance is registered.\n' : renderInstances(instances, palette),
    ...(subsets.length === 0 ? [] : [renderSubsets(subsets, palette)]),
    rules.length === 0
      ? 'No rule is about it: see rampart analyze.\n'
      : renderTable(columnsOf('RULE', 'NAMESPACE', 'NAME'), rules),
    traffic === undefined
      ? 'Nobody called it in the last minute.\n'
      : `Last minute:\n${renderTraffic([traffic], { palette, width: io.stdout.columns })}`,
    ...stateOf(traffic, instances),
  ].join('\n');
}

function stateOf(traffic: ServiceTraffic | undefined, instances: readonly RegisteredInstance[]): string[] {
  const { ejectedInstances = [], openBreakers = [] } = traffic ?? {};
  const named = ejectedInstances.map((id) => {
    const known = instances.find(({ instanceId }) => instanceId === id);
    return known === undefined ? id : `${addressOf(known)} (${id})`;
  });
  return [
    ...(named.length === 0 ? [] : [`Ejected for their errors: ${named.join(', ')}\n`]),
    ...(openBreakers.length === 0 ? [] : [`Breaker open at: ${openBreakers.join(', ')}\n`]),
  ];
}

function dataOf({ name, namespace, instances, tls, resources, traffic }: Description): object {
  return {
    service: serviceHost({ name, namespace }),
    mutualTls: tls.map(({ port, mode, policy }) => ({ port, mode, policy })),
    instances: instances.map(instanceData),
    subsets: subsetsOf(resources, instances).map(subsetData),
    rules: resources.map(({ kind, metadata }) => ({ kind, namespace: metadata.namespace, name: metadata.name })),
    traffic: traffic === undefined ? undefined : serviceTrafficData(traffic),
  };
}
