import { Resolver } from 'node:dns/promises';
import { monotonicNow } from '../observations.ts';
import { ALL, SERVICES } from '../workload.ts';
import type { Reach, Recorder } from './recorder.ts';

const READERS = 2;
/** A control plane that is gone is noticed at the next try: nobody listens on its port. One that has no processor for long answers late. */
const PATIENCE = { timeout: 10_000, tries: 4 };

/** SRV answers point to addresses in hexadecimal; each subject has one of its own. */
const BY_ADDRESS: ReadonlyMap<string, string> = new Map(
  ALL.map(({ host, instanceId }) => [
    host
      .split('.')
      .map((octet) => Number(octet).toString(16).padStart(2, '0'))
      .join(''),
    instanceId,
  ]),
);

/** Whoever finds services by DNS: SRV over UDP, and over TCP where an answer is too long for that. */
export function startDnsCallers(recorder: Recorder): readonly Promise<void>[] {
  return Array.from({ length: READERS }, (_, index) =>
    recorder.withEach(`dns reader ${index}`, (reach) => read(recorder, { ...reach, first: index })),
  );
}

async function read(recorder: Recorder, { run, plane, first }: Reach & { readonly first: number }): Promise<void> {
  const resolver = new Resolver(PATIENCE);
  resolver.setServers([plane.addresses.dns ?? '']);
  for (let turn = first; !recorder.over.aborted; turn += 1) {
    const service = SERVICES[turn % SERVICES.length] ?? '';
    const from = monotonicNow();
    const places = await placesOf(resolver, service);
    recorder.look({ by: `dns reader ${first}`, run, service, from, places });
  }
}

async function placesOf(resolver: Resolver, service: string): Promise<(readonly [string, number])[]> {
  try {
    const records = await resolver.resolveSrv(`${service}.service.consul`);
    return records.map(({ name, port }) => [BY_ADDRESS.get(name.split('.')[0] ?? '') ?? name, port]);
  } catch (error) {
    const isUnknown = error instanceof Error && 'code' in error && error.code === 'ENOTFOUND';
    if (isUnknown) return [];
    throw error;
  }
}
