import type { ClientTls, OutsideEndpoint, Random, TrafficRules } from '@rampart/core';

import { outsideName } from '../resolve.ts';

/** Where a connection to a host outside the mesh really goes. */
export interface WayOut {
  /** An IP address, or a name to be looked up. */
  readonly host: string;
  readonly port: number;
  /** What the data plane speaks to the server in place of the caller; undefined where it carries bytes as they are. */
  readonly tls: OriginatedTls | undefined;
}

export interface OriginatedTls extends Omit<ClientTls, 'mode' | 'sni' | 'subjectAltNames'> {
  readonly sni: string;
  /** Names of which the certificate must have one. */
  readonly subjectAltNames: readonly string[];
}

/** Where ServiceEntries and DestinationRules send a call for a host outside the mesh; as it was asked for where they say nothing. */
export function wayOut(
  traffic: TrafficRules,
  { host, port }: { readonly host: string; readonly port: number },
  random: Random,
): WayOut {
  const known = traffic.outside(outsideName(host), port);
  if (known === undefined) return { host, port, tls: undefined };
  const { endpoints, rules, targetPort, subjectAltNames } = known;
  const endpoint = drawn(endpoints, random);
  const tls = rules?.policy(undefined).tls;
  return {
    host: endpoint?.address ?? host,
    port: endpoint?.port ?? targetPort,
    tls:
      tls === undefined || !ORIGINATED.has(tls.mode) ? undefined : originated(tls, outsideName(host), subjectAltNames),
  };
}

const ORIGINATED: ReadonlySet<ClientTls['mode']> = new Set(['SIMPLE', 'MUTUAL'] as const);

function originated(
  { mode: _mode, sni = '', subjectAltNames, ...files }: ClientTls,
  host: string,
  ofEntry: readonly string[],
): OriginatedTls {
  const names = subjectAltNames ?? ofEntry;
  const name = sni === '' ? host : sni;
  return { ...files, sni: name, subjectAltNames: names.length === 0 ? [name] : names };
}

function drawn(endpoints: readonly OutsideEndpoint[], random: Random): OutsideEndpoint | undefined {
  if (endpoints.length < 2) return endpoints[0];
  let left = random() * endpoints.reduce((sum, { weight }) => sum + weight, 0);
  return endpoints.find(({ weight }) => (left -= weight) < 0) ?? endpoints[0];
}
