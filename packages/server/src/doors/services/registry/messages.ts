import { create } from '@bufbuild/protobuf';
import type { DiscoveredInstance, InstanceChange } from '@rampart/registry';
import {
  type InstanceEvent,
  InstanceEventSchema,
  type RegisteredInstance,
  RegisteredInstanceSchema,
} from '@rampart/wire';

const INSTANCES = new WeakMap<DiscoveredInstance, RegisteredInstance>();
const EVENTS = new WeakMap<InstanceChange, InstanceEvent>();

/** An instance as callers see it; made once, however many ask. */
export function instanceMessage(instance: DiscoveredInstance): RegisteredInstance {
  let message = INSTANCES.get(instance);
  if (message === undefined) {
    message = createInstance(instance);
    INSTANCES.set(instance, message);
  }
  return message;
}

export function eventMessage(change: InstanceChange): InstanceEvent {
  let message = EVENTS.get(change);
  if (message === undefined) {
    message = createEvent(change);
    EVENTS.set(change, message);
  }
  return message;
}

/** That an instance is there, at the beginning of a watch. */
export function presentMessage(instance: DiscoveredInstance, revision: bigint): InstanceEvent {
  return create(InstanceEventSchema, { revision, event: { case: 'put', value: instanceMessage(instance) } });
}

function createEvent(change: InstanceChange): InstanceEvent {
  const revision = BigInt(change.revision);
  if (change.kind === 'put') return presentMessage(change.current, revision);
  const { instanceId, service, namespace } = change.last;
  return create(InstanceEventSchema, {
    revision,
    event: { case: 'gone', value: { $typeName: 'rampart.v1.GoneInstance', instanceId, service, namespace } },
  });
}

function createInstance(instance: DiscoveredInstance): RegisteredInstance {
  const { state, identity, labels, tags, metadata, weights, locality, version, leaseMs } = instance;
  const { instanceId, service, namespace, owner, host, port, protocol } = instance;
  return create(RegisteredInstanceSchema, {
    instanceId,
    service,
    namespace,
    spiffeId: identity,
    owner,
    host,
    port,
    protocol,
    labels: { ...labels },
    tags: [...tags],
    metadata: { ...metadata },
    weights,
    ...(locality === undefined ? {} : { locality: { region: locality.region, zone: locality.zone ?? '' } }),
    version: version ?? '',
    registeredAt: BigInt(instance.registeredAt),
    draining: state.draining,
    ...(state.maintenance === undefined ? {} : { maintenance: { reason: state.maintenance.reason } }),
    health: state.health,
    checks: state.checks.map(({ checkId, name, status, output, changedAt }) => ({
      checkId,
      name,
      status,
      output,
      changedAt: BigInt(changedAt),
      type: instance.checks.find((check) => check.checkId === checkId)?.kind.type ?? '',
    })),
    deregisterCriticalAfterMs: BigInt(instance.deregisterCriticalAfterMs ?? 0),
    leaseMs: BigInt(leaseMs ?? 0),
    permanent: leaseMs === 0,
  });
}
