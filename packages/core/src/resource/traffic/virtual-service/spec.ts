import type { Cursor } from '../../cursor.ts';
import { absent, listOf } from '../document-form.ts';
import { readExportTo } from '../export-to.ts';
import { hostMatches, readRuleHost } from '../host.ts';
import { readGateways } from './match.ts';
import { readHttpRoute, readTcpRoute, type HttpRoute, type TcpRoute } from './route.ts';

/** How requests to hosts are routed (istio/api `networking/v1alpha3 VirtualService`). */
export interface VirtualServiceSpec {
  /** In lower case; a short name is a service of the rule's own namespace, "*.example.com" stands for many. */
  readonly hosts: readonly string[];
  readonly gateways?: readonly string[];
  /** The first one that matches counts. */
  readonly http?: readonly HttpRoute[];
  readonly tcp?: readonly TcpRoute[];
  /** Namespaces whose callers it is for; "." is its own; absent: all that its place lets it be for. */
  readonly exportTo?: readonly string[];
}

interface Refused {
  readonly tls: never;
}

const MOST_HOSTS = 256;
const MOST_ROUTES = 1000;

export function readVirtualServiceSpec(at: Cursor): VirtualServiceSpec | undefined {
  const fields = at.fields<VirtualServiceSpec & Refused>({
    hosts: listOf(readRuleHost, MOST_HOSTS, 'a list of hosts'),
    gateways: readGateways,
    http: listOf(readHttpRoute, MOST_ROUTES, 'a list of routes'),
    tcp: listOf(readTcpRoute, MOST_ROUTES, 'a list of routes'),
    exportTo: readExportTo,
    tls: absent('TLS that is not ended is not routed by its SNI here: use tcp, or speak HTTP and let the mesh encrypt'),
  });
  if (fields === undefined) return undefined;
  if (isEmptyOrAbsent(at.child('hosts'))) {
    at.error('needs hosts: one without them is a delegate of another VirtualService, and rules are not delegated here');
  }
  const routes = [at.child('http'), at.child('tcp'), at.child('tls')];
  if (routes.every(isEmptyOrAbsent)) at.error('needs http or tcp: without routes it says nothing');
  const { hosts } = fields;
  if (hosts === undefined) return undefined;
  checkHosts(at.child('hosts'), hosts);
  for (const route of deadRoutes(fields.http ?? [])) {
    at.child('http').child(route).warning('is never reached: an earlier route takes every request');
  }
  return { ...fields, hosts };
}

function isEmptyOrAbsent({ value }: Cursor): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0);
}

/** Istio refuses a host that another one of the list stands for already. */
function checkHosts(at: Cursor, hosts: readonly string[]): void {
  if (hosts.length !== (at.items() ?? []).length) return;
  hosts.forEach((host, index) => {
    const cover = hosts.findIndex(
      (other, place) => place !== index && covers(other, host) && (other !== host || place < index),
    );
    if (cover !== -1) at.child(index).error(`is one of ${JSON.stringify(hosts[cover])}, too: one of them is too much`);
  });
}

function covers(pattern: string, host: string): boolean {
  return pattern === host || hostMatches(pattern, host);
}

/** Those behind a route that matches everything. */
function deadRoutes(routes: readonly HttpRoute[]): number[] {
  const last = routes.findIndex(({ match }) => match === undefined);
  return last === -1 ? [] : routes.flatMap((_, index) => (index > last ? [index] : []));
}
