import type { MetricFamily } from './families.ts';

const MILLIS = 1000;
const MICROS = 1_000_000;

/** A number that is what it is when somebody asks. */
export function gauge(name: string, help: string, value: number): MetricFamily {
  return { name, type: 'gauge', help, samples: [['', '', value]] };
}

/** What a data plane is asked about itself. */
export interface MeasuredPlane {
  readonly view: { readonly ready: boolean; readonly revision: number };
  readonly identity: { readonly current: { readonly notAfter: number } | undefined };
}

/** Where a data plane stands. Of several processes that share one, one says it. */
export function planeFamilies({ view, identity }: MeasuredPlane): readonly MetricFamily[] {
  const { current } = identity;
  return [
    gauge('rampart_ready', 'Whether identity and policies are there: 1, or 0.', view.ready ? 1 : 0),
    gauge('rampart_policy_revision', 'Revision of the policies that are enforced.', view.revision),
    gauge(
      'rampart_certificate_not_after_seconds',
      'When the certificate of this workload ends, in Unix time; 0 without one.',
      current === undefined ? 0 : current.notAfter / MILLIS,
    ),
  ];
}

/** What a process is asked about itself. */
export type MeasuredProcess = Pick<NodeJS.Process, 'cpuUsage' | 'memoryUsage' | 'uptime'>;

/** What a process needs, by the names that Prometheus' own libraries use. Of several processes the sum. */
export function processFamilies(host: MeasuredProcess): readonly MetricFamily[] {
  const { user, system } = host.cpuUsage();
  const { rss, heapUsed, external } = host.memoryUsage();
  return [
    {
      name: 'process_cpu_seconds_total',
      type: 'counter',
      help: 'Processor time, user and system.',
      samples: [['', '', (user + system) / MICROS]],
    },
    gauge('process_resident_memory_bytes', 'Memory that is resident, what it shares with others included.', rss),
    gauge('nodejs_heap_used_bytes', 'Objects of JavaScript.', heapUsed),
    gauge('nodejs_external_memory_bytes', 'Buffers and what else is outside of the heap.', external),
  ];
}
