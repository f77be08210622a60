import type { MessageInitShape } from '@bufbuild/protobuf';
import { isUsable, type Registry } from '@rampart/registry';
import type { ServiceTrafficSchema, TrafficState } from '@rampart/wire';
import { ServiceTally } from './service-tally.ts';
import type { TrafficWindow } from './traffic-window.ts';

type Row = MessageInitShape<typeof ServiceTrafficSchema> & { readonly service: string };

/** What one data plane gives no requests to, and whom it asks again. */
export interface PlaneTraffic {
  /** "cluster.local/ns/shop/sa/frontend" */
  readonly caller: string;
  readonly traffic: TrafficState | undefined;
}

interface Circumstances {
  readonly registry: Pick<Registry, 'services'>;
  /** Unix milliseconds. */
  readonly now: number;
  readonly planes: readonly PlaneTraffic[];
}

/** Data planes tell what they sent again within this time. */
const LATELY_SECONDS = 10;
const P50 = 0.5;
const P99 = 0.99;

/** Every service that is registered or was called, busiest first. */
export function serviceRows(window: TrafficWindow, { registry, now, planes }: Circumstances): Row[] {
  const rows = new Map<string, Row>();
  for (const [service, tally] of window.read(now)) rows.set(service, measured(service, tally, window.seconds));
  for (const { name, namespace, instances } of registry.services()) {
    const service = `${name}.${namespace}.svc`;
    const row = rows.get(service) ?? measured(service, new ServiceTally(), window.seconds);
    const instancesInService = instances.filter(({ state }) => isUsable(state)).length;
    rows.set(service, { ...row, instances: instances.length, instancesInService });
  }
  return [...withState(rows, planes, now).values()].toSorted(
    (a, b) => (b.requestsPerSecond ?? 0) - (a.requestsPerSecond ?? 0) || compare(a.service, b.service),
  );
}

function withState(rows: Map<string, Row>, planes: readonly PlaneTraffic[], now: number): Map<string, Row> {
  const change = (namespace: string, name: string, changed: (row: Row) => Row): void => {
    const row = rows.get(`${name}.${namespace}.svc`);
    if (row !== undefined) rows.set(row.service, changed(row));
  };
  for (const { caller, traffic } of planes) {
    for (const { namespace, service, instanceId, until } of traffic?.ejected ?? []) {
      if (Number(until) <= now) continue;
      change(namespace, service, (row) => ({ ...row, ejectedInstances: added(row.ejectedInstances, instanceId) }));
    }
    for (const { namespace, service, lately } of traffic?.retried ?? [])
      change(namespace, service, (row) => ({
        ...row,
        retriesPerSecond: (row.retriesPerSecond ?? 0) + lately / LATELY_SECONDS,
      }));
    for (const { namespace, service, subset } of traffic?.breakers ?? []) {
      const who = subset === '' ? caller : `${caller} (${subset})`;
      change(namespace, service, (row) => ({ ...row, openBreakers: added(row.openBreakers, who) }));
    }
  }
  return rows;
}

function added(list: readonly string[] | undefined, entry: string): string[] {
  return [...new Set([...(list ?? []), entry])];
}

function measured(service: string, tally: ServiceTally, seconds: number): Row {
  return {
    service,
    requestsPerSecond: tally.requests / seconds,
    p50Micros: tally.latency.quantile(P50),
    p99Micros: tally.latency.quantile(P99),
    requests: BigInt(tally.requests),
    succeeded: BigInt(tally.succeeded),
    denied: BigInt(tally.denied),
    arrived: BigInt(tally.arrived),
    overMtls: BigInt(tally.overMtls),
    flags: Object.fromEntries([...tally.flags].map(([flag, count]) => [flag, BigInt(count)])),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
