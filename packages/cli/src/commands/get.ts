import { RampartError, scopeOfKind } from '@rampart/core';
import type { Command } from 'commander';
import { KIND_HELP, type ListedKind, namespaceOf, parseKind, type StoredKind } from '../arguments/kind.ts';
import { EXIT } from '../exit-code.ts';
import { dataPlaneData, renderDataPlanes } from '../views/data-planes.ts';
import { renderStoredResources, resourceDocuments } from '../views/resources.ts';
import { renderServices, serviceData } from '../views/services.ts';
import { examples, type Invocation, type Shell } from '../shell.ts';
import type { AdminClient } from '../connection/admin-connection.ts';

interface GetOptions {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
}

type GetWords = readonly [kind: string, name: string | undefined, options: GetOptions, command: Command];

/** What is asked for; an empty namespace or name stands for all. */
interface Selection {
  readonly kind: ListedKind;
  readonly namespace: string;
  readonly name: string;
}

/** What was found, ready to be shown. */
interface Listing {
  readonly count: number;
  readonly data: () => unknown;
  readonly table: () => string;
}

export function defineGet(parent: Command, shell: Shell): void {
  parent
    .command('get')
    .description('list resources, services or data planes, or show one')
    .argument('<kind>', KIND_HELP)
    .argument('[name]', 'only this one')
    .option('-n, --namespace <name>', 'namespace (default: default)')
    .option('-A, --all-namespaces', 'every namespace')
    .addHelpText(
      'after',
      examples(
        ['rampart get ap -A', 'every authorization policy'],
        ['rampart get pa default -n istio-system -o yaml', 'one resource, ready to edit and apply'],
        ['rampart get netpol -A', 'every network policy'],
        ['rampart get ns', 'namespaces and their labels'],
        ['rampart get services -A', 'who is there'],
      ),
    )
    .action((...[kind, name, options, command]: GetWords) =>
      shell.run(command, (invocation) => get(selectionOf({ kind, name }, options), invocation)),
    );
}

function selectionOf(
  words: { readonly kind: string; readonly name: string | undefined },
  options: GetOptions,
): Selection {
  const kind = parseKind(words.kind);
  if (options.allNamespaces === true && options.namespace !== undefined)
    throw new RampartError('INVALID_ARGUMENT', 'give -n NAMESPACE or -A, not both');
  const namespace = options.allNamespaces === true ? '' : namespaceOf(kind, options.namespace);
  return { kind, name: words.name ?? '', namespace };
}

async function get(selection: Selection, invocation: Invocation): Promise<number> {
  const listing = await invocation.withAdmin((client) => LISTERS[selection.kind](client, selection, invocation));
  const place = placeOf(selection);
  if (selection.name !== '' && listing.count === 0) {
    throw new RampartError(
      'NOT_FOUND',
      `${selection.kind} ${selection.name} not found${place}; "rampart get ${selection.kind} -A" lists what there is`,
    );
  }
  if (listing.count === 0)
    invocation.note(`no ${selection.kind}${place}${selection.namespace === '' ? '' : '; -A looks everywhere'}`);
  if (listing.count > 0 || invocation.globals.output !== 'table') invocation.show(listing);
  return EXIT.ok;
}

function placeOf({ kind, namespace }: Selection): string {
  if (namespace !== '') return ` in namespace ${namespace}`;
  return scopeOfKind(kind) === 'namespace' || kind === 'services' ? ' in any namespace' : '';
}

type Lister = (client: AdminClient, selection: Selection, invocation: Invocation) => Promise<Listing>;

function listerOf(kind: StoredKind): Lister {
  return async (client, { namespace, name }, { io, globals }) => {
    const { resources } = await client.getResources({ kind, namespace, name });
    return {
      count: resources.length,
      data: () => resourceDocuments(resources, { single: name !== '', format: globals.output }),
      table: () => renderStoredResources(kind, resources, io.clock.now()),
    };
  };
}

const listServices: Lister = async (client, { namespace, name }) => {
  const services = (await client.listServices({})).services.filter(
    (service) => (namespace === '' || service.namespace === namespace) && (name === '' || service.name === name),
  );
  return {
    count: services.length,
    data: () => one(services.map(serviceData), name),
    table: () => renderServices(services),
  };
};

const listDataPlanes: Lister = async (client, { name }, { io, palette }) => {
  const status = await client.getStatus({});
  const planes = status.planes.filter((plane) => name === '' || plane.dataPlaneId === name);
  const view = { revision: status.revision, now: io.clock.now(), palette, trustDomain: status.trustDomain };
  return {
    count: planes.length,
    data: () => one(planes.map(dataPlaneData), name),
    table: () => renderDataPlanes(planes, view),
  };
};

const LISTERS: Readonly<Record<ListedKind, Lister>> = {
  PeerAuthentication: listerOf('PeerAuthentication'),
  RequestAuthentication: listerOf('RequestAuthentication'),
  AuthorizationPolicy: listerOf('AuthorizationPolicy'),
  ServiceTokenPolicy: listerOf('ServiceTokenPolicy'),
  NetworkPolicy: listerOf('NetworkPolicy'),
  VirtualService: listerOf('VirtualService'),
  DestinationRule: listerOf('DestinationRule'),
  ServiceEntry: listerOf('ServiceEntry'),
  Fallback: listerOf('Fallback'),
  RateLimit: listerOf('RateLimit'),
  Quarantine: listerOf('Quarantine'),
  RequestSignaturePolicy: listerOf('RequestSignaturePolicy'),
  Namespace: listerOf('Namespace'),
  MeshConfig: listerOf('MeshConfig'),
  RegistrationEntry: listerOf('RegistrationEntry'),
  Attestor: listerOf('Attestor'),
  FederatedTrustDomain: listerOf('FederatedTrustDomain'),
  RegistryAcl: listerOf('RegistryAcl'),
  RegistrySettings: listerOf('RegistrySettings'),
  services: listServices,
  dataplanes: listDataPlanes,
};

/** A list, or its only member when it was asked for by name. */
function one(items: readonly object[], name: string): unknown {
  return name !== '' && items.length === 1 ? items[0] : items;
}
