import { serviceHost, parseServiceName } from '../../service-name.ts';
import type { Cursor } from '../../resource/cursor.ts';
import { DEFAULT_NAMESPACE } from '../../resource/parse.ts';
import type { KnownWorkload } from '../known-workload.ts';
import type { WorkloadsByService } from './suite.ts';

interface WorkloadFields {
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly port: number;
  readonly protocol: 'http' | 'tcp';
}

const PORTS = { min: 1, max: 65_535 };

/** Workloads by service: `orders.shop: { labels: { app: orders }, port: 8080 }`. */
export function readWorkloads(at: Cursor): WorkloadsByService | undefined {
  const names = at.keys('an object of services');
  if (names === undefined) return undefined;
  const workloads = new Map<string, NonNullable<ReturnType<WorkloadsByService['get']>>>();
  for (const name of names) {
    const child = at.child(name);
    const service = parseServiceName(name, DEFAULT_NAMESPACE);
    const fields = child.fields<WorkloadFields>({
      serviceAccount: (field) => field.text(),
      labels: readLabels,
      port: (field) => field.integer('a port', PORTS),
      protocol: (field) => field.word(['http', 'tcp']),
    });
    if (service === undefined) child.misplaced('does not name a service; write orders or orders.shop');
    if (service === undefined || fields === undefined) continue;
    const { serviceAccount = service.name, labels = { app: service.name }, port = 0, protocol = 'http' } = fields;
    workloads.set(serviceHost(service), {
      namespace: service.namespace,
      serviceAccount,
      labels,
      service,
      port,
      protocol,
    });
  }
  return workloads;
}

/** The same workloads, as analyses know them. */
export function knownWorkloads(workloads: WorkloadsByService, trustDomain: string): readonly KnownWorkload[] {
  return [...workloads.values()].map((workload) => ({
    ...workload,
    principal: `${trustDomain}/ns/${workload.namespace}/sa/${workload.serviceAccount}`,
  }));
}

export function readLabels(at: Cursor): Record<string, string> | undefined {
  const keys = at.keys('an object of strings');
  if (keys === undefined) return undefined;
  const entries = keys.flatMap((key): [string, string][] => {
    const value = at.child(key).textOrEmpty();
    return value === undefined ? [] : [[key, value]];
  });
  return Object.fromEntries(entries);
}
