import { parseIpAddress, parseIpBlock } from '../../../policy/match/address/ip-block.ts';
import type { Cursor, Reader } from '../../cursor.ts';
import { textList } from '../../text-list.ts';
import { absent, listOf, need } from '../document-form.ts';
import { readExportTo } from '../export-to.ts';
import { externalHostProblem, hostProblem, readRuleHost } from '../host.ts';
import { readEndpoint, type ServiceEntryEndpoint } from './endpoint.ts';
import { readServiceEntryPorts, type ServiceEntryPort } from './port.ts';

/** Hosts outside the mesh that may be called (istio/api `networking/v1alpha3 ServiceEntry`). */
export interface ServiceEntrySpec {
  /** In lower case; "*.example.com" stands for many. */
  readonly hosts: readonly string[];
  /** Addresses and blocks that calls go to which are known by their address alone. */
  readonly addresses?: readonly string[];
  readonly ports: readonly ServiceEntryPort[];
  readonly resolution: ServiceEntryResolution;
  readonly endpoints?: readonly ServiceEntryEndpoint[];
  /** Namespaces whose callers may use it; "." is its own; absent: its own, and of the root namespace's entries all. */
  readonly exportTo?: readonly string[];
  /** Names of which the certificate of the server must have one, where TLS is originated. */
  readonly subjectAltNames?: readonly string[];
}

/**
 * Where calls go: NONE, wherever the caller has found by itself; STATIC, to one of `endpoints`; DNS, to what the names of
 * `endpoints`, or else of the hosts, stand for.
 */
export type ServiceEntryResolution = 'NONE' | 'STATIC' | 'DNS' | 'DNS_ROUND_ROBIN';

interface Fields extends ServiceEntrySpec {
  readonly location: string;
  readonly workloadSelector: never;
}

const MOST_HOSTS = 256;
const MOST_ENDPOINTS = 1000;

export function readServiceEntrySpec(at: Cursor): ServiceEntrySpec | undefined {
  const fields = at.fields<Fields>({
    hosts: listOf(readExternalHost, MOST_HOSTS, 'a list of hosts'),
    addresses: listOf(readAddress, MOST_HOSTS, 'a list of addresses'),
    ports: readServiceEntryPorts,
    location: readLocation,
    resolution: readResolution,
    endpoints: listOf(readEndpoint, MOST_ENDPOINTS, 'a list of endpoints'),
    exportTo: readExportTo,
    subjectAltNames: textList(),
    workloadSelector: absent('services of the mesh register themselves: a ServiceEntry is for hosts outside'),
  });
  need(at, 'hosts', 'ports');
  if (fields === undefined) return undefined;
  for (const name of ['hosts', 'ports']) {
    const child = at.child(name);
    if (Array.isArray(child.value) && child.value.length === 0) child.error('must not be empty');
  }
  const { hosts, ports, resolution = 'NONE', location: _external, ...rest } = fields;
  if (hosts === undefined || ports === undefined) return undefined;
  const spec = { ...rest, hosts, ports, resolution };
  checkResolution(at, spec);
  checkEndpointPorts(at, spec);
  return spec;
}

const readExternalHost: Reader<string> = (at) => {
  const host = readRuleHost(at);
  const problem = host === undefined ? undefined : externalHostProblem(host);
  return problem === undefined ? host : at.error(problem);
};

function readLocation(at: Cursor): string | undefined {
  return at.value === 'MESH_INTERNAL'
    ? at.error('services of the mesh register themselves: leave it out, or say MESH_EXTERNAL', 'UNSUPPORTED_FEATURE')
    : at.word(['MESH_EXTERNAL']);
}

function readResolution(at: Cursor): ServiceEntryResolution | undefined {
  return at.value === 'DYNAMIC_DNS'
    ? at.error('DYNAMIC_DNS is not known here: write NONE, and callers find the addresses', 'UNSUPPORTED_FEATURE')
    : at.word(['NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN']);
}

const readAddress: Reader<string> = (at) =>
  at.checked((text) => {
    if (parseIpAddress(text) !== undefined) return undefined;
    const block = parseIpBlock(text);
    return block.ok ? undefined : block.problem;
  });

/** Istio `ValidateServiceEntry`. */
function checkResolution(at: Cursor, spec: ServiceEntrySpec): void {
  if (spec.resolution === 'NONE') checkNoEndpoints(at.child('endpoints'));
  else if (spec.resolution === 'STATIC') checkAddresses(at);
  else checkLookUp(at, spec);
}

function checkNoEndpoints(at: Cursor): void {
  if (itemsOf(at).length > 0) at.misplaced('has no meaning for resolution NONE: callers find the addresses');
}

function checkAddresses(at: Cursor): void {
  const items = itemsOf(at.child('endpoints'));
  if (items.length === 0) at.error('needs endpoints: resolution STATIC uses no others');
  for (const item of items) {
    const address = item.child('address');
    const text = typeof address.value === 'string' ? address.value : '';
    const isName = hostProblem(text) === undefined && parseIpAddress(text) === undefined;
    if (isName) address.error('must be an IP address for resolution STATIC');
  }
}

function checkLookUp(at: Cursor, { hosts, resolution, endpoints = [] }: ServiceEntrySpec): void {
  if (endpoints.length === 0) checkNoWildcard(at, hosts, resolution);
  if (resolution !== 'DNS_ROUND_ROBIN' || itemsOf(at.child('endpoints')).length < 2) return;
  at.child('endpoints').misplaced('must hold one at most for resolution DNS_ROUND_ROBIN');
}

function itemsOf(at: Cursor): Cursor[] {
  return Array.isArray(at.value) ? (at.items() ?? []) : [];
}

function checkNoWildcard(at: Cursor, hosts: readonly string[], resolution: string): void {
  const place = at.child('hosts');
  for (const item of place.items() ?? []) {
    if (typeof item.value === 'string' && item.value.startsWith('*') && hosts.includes(item.value.toLowerCase())) {
      item.error(`cannot be looked up: for resolution ${resolution} name one host, or endpoints, or say NONE`);
    }
  }
}

function checkEndpointPorts(at: Cursor, { ports, endpoints = [] }: ServiceEntrySpec): void {
  const known = new Set(ports.map(({ name }) => name));
  endpoints.forEach((endpoint, index) => {
    for (const name of Object.keys(endpoint.ports ?? {})) {
      if (!known.has(name)) {
        at.child('endpoints').child(index).child('ports').child(name).misplaced('is no name of a port of this entry');
      }
    }
  });
}
