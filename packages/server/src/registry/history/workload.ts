import type { Place } from './instance-model.ts';

/** An instance that the callers of a history fight for. */
export interface Subject {
  readonly instanceId: string;
  readonly host: string;
  /** It is moved between them where there are several. */
  readonly services: readonly string[];
  /** 0: permanent. */
  readonly leaseMs: number;
}

/** The shortest that the registry takes. */
const LEASE_MS = 1000;
const LEASED_SERVICE = 'leased';
/** Of the data planes that hold control streams. */
export const STREAMED_SERVICE = 'streamed';
/** Nobody ever registers it. */
export const IDLE_SERVICE = 'idle';

const FIXED_SERVICES = 4;

function subjects(count: number, subjectOf: (index: number) => Subject): readonly Subject[] {
  return Array.from({ length: count }, (_, index) => subjectOf(index));
}

/** Permanent ones, of one service each. */
export const FIXED: readonly Subject[] = subjects(24, (index) => ({
  instanceId: `fixed-${index}`,
  host: `10.9.0.${index + 1}`,
  services: [`service-${index % FIXED_SERVICES}`],
  leaseMs: 0,
}));

/** They change their service with every other port, so that one revision is about two services. */
export const MOVING: readonly Subject[] = subjects(4, (index) => ({
  instanceId: `moving-${index}`,
  host: `10.9.1.${index + 1}`,
  services: ['moving-a', 'moving-b'],
  leaseMs: 0,
}));

/** With leases that somebody renews now and then. */
export const LEASED: readonly Subject[] = subjects(4, (index) => ({
  instanceId: `leased-${index}`,
  host: `10.9.2.${index + 1}`,
  services: [LEASED_SERVICE],
  leaseMs: LEASE_MS,
}));

/** Of workloads, each registered over the control stream of its own data plane. */
export const STREAMED: readonly Subject[] = subjects(2, (index) => ({
  instanceId: `streamed-${index}`,
  host: `10.9.3.${index + 1}`,
  services: [STREAMED_SERVICE],
  // Held by the stream.
  leaseMs: 0,
}));

export const ALL: readonly Subject[] = [...FIXED, ...MOVING, ...LEASED, ...STREAMED];

export const SERVICES: readonly string[] = [...new Set(ALL.flatMap(({ services }) => services))];

export const NAMESPACE = 'default';

export function placeOf({ services }: Subject, port: number): Place {
  return { service: services[port % services.length] ?? '', port };
}
