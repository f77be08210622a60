import type { Cursor } from '../../cursor.ts';
import { readPortSelector, type PortSelector } from '../destination.ts';
import { absent, listOf, need, numberOf, readCount } from '../document-form.ts';
import { readClientTls, type ClientTls } from './client-tls.ts';
import { readConnectionPool, type ConnectionPool } from './connection-pool.ts';
import { readLoadBalancer, type LoadBalancer } from './load-balancer.ts';
import { readOutlierDetection, type OutlierDetection } from './outlier-detection.ts';

/** What may be said of a service, of one of its subsets, and of one of its ports. */
export interface PortPolicy {
  readonly loadBalancer?: LoadBalancer;
  readonly connectionPool?: ConnectionPool;
  readonly outlierDetection?: OutlierDetection;
  readonly tls?: ClientTls;
}

/** How requests are sent to a service (istio/api `TrafficPolicy`). */
export interface TrafficPolicy extends PortPolicy {
  /** What is said of a port stands alone: nothing of the rest holds for it (Istio). */
  readonly portLevelSettings?: readonly PortLevelSettings[];
  readonly retryBudget?: RetryBudget;
}

export interface PortLevelSettings extends PortPolicy {
  readonly port: PortSelector;
}

/** How many of the requests under way may be repetitions (istio/api `TrafficPolicy.RetryBudget`). */
export interface RetryBudget {
  /** 20 where absent. */
  readonly percent?: number;
  /** So many always may; 3 where absent. */
  readonly minRetryConcurrency?: number;
}

interface Refused {
  readonly tunnel: never;
  readonly proxyProtocol: never;
}

const MOST_PORTS = 1000;
const PERCENT = { min: 0, max: 100 };
const READERS = {
  loadBalancer: readLoadBalancer,
  connectionPool: readConnectionPool,
  outlierDetection: readOutlierDetection,
  tls: readClientTls,
};

export function readTrafficPolicy(at: Cursor): TrafficPolicy | undefined {
  const policy = at.fields<TrafficPolicy & Refused>({
    ...READERS,
    portLevelSettings: listOf(readPortLevelSettings, MOST_PORTS, 'a list of ports'),
    retryBudget: readRetryBudget,
    tunnel: absent('nothing is sent through the CONNECT of a proxy here'),
    proxyProtocol: absent('the PROXY protocol is not spoken to services: identities say who calls'),
  });
  if (policy === undefined) return undefined;
  checkPorts(at.child('portLevelSettings'));
  return policy;
}

function readPortLevelSettings(at: Cursor): PortLevelSettings | undefined {
  const { port, ...rest } = at.fields<PortLevelSettings>({ ...READERS, port: readPortSelector }) ?? {};
  need(at, 'port');
  return port === undefined ? undefined : { ...rest, port };
}

function checkPorts(at: Cursor): void {
  const seen = new Set<unknown>();
  for (const item of Array.isArray(at.value) ? (at.items() ?? []) : []) {
    const port = item.child('port').child('number');
    if (port.value !== undefined && seen.has(port.value)) port.error('has settings in this list already');
    seen.add(port.value);
  }
}

function readRetryBudget(at: Cursor): RetryBudget | undefined {
  return at.fields<RetryBudget>({ percent: numberOf('a percentage', PERCENT), minRetryConcurrency: readCount });
}
