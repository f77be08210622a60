import type { ServiceTraffic, WatchTrafficResponse } from '@rampart/wire';
import type { Palette } from '../render/colour.ts';
import { renderTime } from '../render/moment.ts';
import { type Cell, columnsOf, renderTable } from '../render/table.ts';

const COLUMNS = columnsOf(
  'SERVICE',
  '>INSTANCES',
  '>RPS',
  '>P50',
  '>P99',
  '>SUCCESS',
  '>DENIED',
  '>MTLS',
  '>RETRIES/S',
  '>BREAKERS',
  '>EJECTED',
  'FLAGS',
);

/** Below, a share is a reason to look, and to act. */
const GOOD_SHARE = 0.999;
const FAIR_SHARE = 0.99;
const WHOLE = 0.99995;

/** How requests to services go, one line each. */
export function renderTraffic(
  services: readonly ServiceTraffic[],
  style: { readonly palette: Palette; readonly width: number | undefined },
): string {
  if (services.length === 0) return 'no service is registered, and none was called\n';
  return renderTable(
    COLUMNS,
    services.map((service) => rowOf(service, style.palette)),
    { width: style.width },
  );
}

function rowOf(traffic: ServiceTraffic, palette: Palette): Cell[] {
  const { requests, denied, succeeded, arrived, overMtls, instances, instancesInService } = traffic;
  return [
    traffic.service,
    {
      text: instances === 0 ? '' : `${instancesInService}/${instances}`,
      paint: instancesInService === instances ? same : palette.warn,
    },
    traffic.requestsPerSecond.toFixed(1),
    millis(traffic.p50Micros),
    millis(traffic.p99Micros),
    share(succeeded, requests - denied, palette),
    { text: String(denied), paint: denied === 0n ? palette.dim : palette.warn },
    share(overMtls, arrived, palette),
    rate(traffic.retriesPerSecond, palette),
    some(traffic.openBreakers.length, palette),
    some(traffic.ejectedInstances.length, palette),
    flagsOf(traffic),
  ];
}

function rate(perSecond: number, palette: Palette): Cell {
  return perSecond === 0 ? { text: '0', paint: palette.dim } : { text: perSecond.toFixed(1), paint: palette.warn };
}

function some(count: number, palette: Palette): Cell {
  return { text: String(count), paint: count === 0 ? palette.dim : palette.bad };
}

function share(part: bigint, whole: bigint, palette: Palette): Cell {
  if (whole === 0n) return '';
  const ratio = Number(part) / Number(whole);
  const paint = ratio >= GOOD_SHARE ? palette.good : ratio >= FAIR_SHARE ? palette.warn : palette.bad;
  // Never "100 %" where something is missing.
  return {
    text: part === whole || ratio < WHOLE ? `${(ratio * 100).toFixed(1).replace('.0', '')} %` : '99.99 %',
    paint,
  };
}

function millis(micros: number): string {
  if (micros === 0) return '';
  const value = micros / 1000;
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;
}

function flagsOf({ flags }: ServiceTraffic): string {
  const entries = Object.entries(flags).toSorted(([, a], [, b]) => Number(b - a));
  return entries.map(([flag, count]) => `${flag} ${count}`).join(', ');
}

function same(text: string): string {
  return text;
}

/** The same as data. Times are in milliseconds. */
export function trafficData({ at, services }: WatchTrafficResponse): object {
  return { at: renderTime(Number(at)), services: services.map(serviceTrafficData) };
}

export function serviceTrafficData(traffic: ServiceTraffic): object {
  return {
    service: traffic.service,
    requestsPerSecond: Number(traffic.requestsPerSecond.toFixed(3)),
    p50Ms: traffic.p50Micros / 1000,
    p99Ms: traffic.p99Micros / 1000,
    requests: Number(traffic.requests),
    succeeded: Number(traffic.succeeded),
    denied: Number(traffic.denied),
    arrived: Number(traffic.arrived),
    overMtls: Number(traffic.overMtls),
    flags: Object.fromEntries(Object.entries(traffic.flags).map(([flag, count]) => [flag, Number(count)])),
    instances: traffic.instances,
    instancesInService: traffic.instancesInService,
    ejectedInstances: traffic.ejectedInstances,
    openBreakers: traffic.openBreakers,
    retriesPerSecond: Number(traffic.retriesPerSecond.toFixed(3)),
  };
}
