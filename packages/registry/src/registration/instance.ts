import type { SpiffeId } from '@rampart/core';
import type { RegistrationRequest } from './registration.ts';
import type { Instance } from '../store.ts';

/** The instance that a checked request describes. */
export function instanceOf(who: SpiffeId, request: RegistrationRequest, registeredAt: number): Instance {
  const { service, namespace, instanceId, host, port, protocol } = request;
  return {
    instanceId,
    service,
    namespace,
    identity: who.toString(),
    host,
    port,
    protocol,
    labels: { ...request.labels },
    registeredAt,
  };
}

/** Whether both are the same registration, made at whatever time. */
export function isSame(a: Instance, b: Instance): boolean {
  const { labels: left, registeredAt: _, ...first } = a;
  const { labels: right, registeredAt: __, ...second } = b;
  return sameEntries(first, second) && sameEntries(left, right);
}

function sameEntries(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}
