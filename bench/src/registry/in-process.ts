import { createMemoryJournalStore, Journal } from '@rampart/journal';
import { createMemoryRegistryStore, openRegistry } from '@rampart/registry';

import { percentile, rounded } from '../harness/figures.ts';
import { PER_SERVICE } from './callers.ts';

const NAMESPACE = 'default';
/** Read together, because the clock is slower than a discovery. */
const BATCH = 20;

/** What a program pays that has the registry's view in its own memory, as the control plane's doors have: microseconds each. */
export async function measureInProcess(instances: number, discoveries: number): Promise<Record<string, unknown>> {
  const clock = { now: () => Date.now(), after: () => ({ cancel: () => undefined }) };
  const registry = await openRegistry({
    store: createMemoryRegistryStore(),
    journal: await Journal.open(createMemoryJournalStore(), clock),
    clock,
    random: Math.random,
  });
  const services = instances / PER_SERVICE;
  for (let index = 0; index < instances; index += 1) {
    const service = `service-${Math.floor(index / PER_SERVICE)}`;
    const instance = { service, namespace: NAMESPACE, instanceId: `${service}-${index}`, host: '10.0.0.1', port: 8080 };
    const done = await registry.register(
      { kind: 'operator', name: 'bench' },
      { ...instance, protocol: 'http', labels: { app: service } },
    );
    if (!done.ok) throw done.problem;
  }
  const names = Array.from({ length: services }, (_, index) => `service-${index}`);
  const micros: number[] = [];
  let found = 0;
  const begun = performance.now();
  for (let turn = 0; turn < discoveries; turn += BATCH) {
    const from = performance.now();
    for (let index = turn; index < turn + BATCH; index += 1) {
      const service = names[(index * 7919) % services] ?? '';
      found += registry.discovery.find({ service, namespace: NAMESPACE, health: 'usable' }).instances.length;
    }
    micros.push(((performance.now() - from) * 1000) / BATCH);
  }
  const seconds = (performance.now() - begun) / 1000;
  await registry.close();
  if (found !== discoveries * PER_SERVICE) throw new Error(`found ${found} instances`);
  return {
    name: 'rampart-in-process',
    discovers_per_second: rounded(discoveries / seconds, 0),
    discover_p50_us: rounded(percentile(micros, 50), 2),
    discover_p99_us: rounded(percentile(micros, 99), 2),
  };
}
