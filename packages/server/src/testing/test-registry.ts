import { createMemoryJournalStore, Journal } from '@rampart/journal';
import { createMemoryRegistryStore, openRegistry, type RegistrationRequest, type Registry } from '@rampart/registry';
import { createSystemClock } from '../clock.ts';

/** A registry in memory and its operator. */
export interface TestRegistry {
  readonly registry: Registry;
  /** Registers as an operator, without an end: the instance id names service and number ("web-1"). */
  register(instanceId: string, values?: Partial<RegistrationRequest>): Promise<void>;
}

export const OPERATOR = { kind: 'operator', name: 'test' } as const;

export async function openTestRegistry(): Promise<TestRegistry> {
  const clock = createSystemClock();
  const journal = await Journal.open(createMemoryJournalStore(), clock);
  const registry = await openRegistry({ store: createMemoryRegistryStore(), journal, clock, random: () => 0.5 });
  return {
    registry,
    register: async (instanceId, values) => {
      const request: RegistrationRequest = {
        instanceId,
        service: instanceId.replace(/-\d+$/, ''),
        namespace: 'default',
        host: '10.0.0.1',
        port: 8080,
        protocol: 'http',
        labels: {},
        leaseMs: 0,
        ...values,
      };
      const registered = await registry.register(OPERATOR, request);
      if (!registered.ok) throw registered.problem;
    },
  };
}
