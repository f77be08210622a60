import type { AuditEvent } from '@rampart/journal';
import { nameOfIdentity, type RegistryIdentity } from './admission/identity.ts';
import type { Standing } from './health/instance-state.ts';
import type { Instance } from './store.ts';

/** Why an instance is gone, for the record. */
export const REVOKED_REASON = 'its identity was revoked';

/** Who asked for what. */
export interface RegistryEventContext {
  readonly who: RegistryIdentity;
  readonly request: { readonly service: string; readonly instanceId: string; readonly sourceIp?: string };
  readonly details: NonNullable<AuditEvent['details']>;
}

/** `REGISTRATION`, or a refusal by its name. */
export function registryEvent(eventType: string, { who, request, details }: RegistryEventContext): AuditEvent {
  return {
    eventType,
    serviceName: request.service,
    instanceId: request.instanceId,
    identity: nameOfIdentity(who),
    sourceIp: request.sourceIp ?? '',
    result: eventType === 'REGISTRATION' ? 'SUCCESS' : 'DENIED',
    details,
  };
}

/** @param by Who asked for it; the owner where nobody did. */
export function deregistration(
  { service, instanceId, owner, namespace }: Instance,
  reason: string,
  by: string = owner,
): AuditEvent {
  return {
    eventType: 'DEREGISTRATION',
    serviceName: service,
    instanceId,
    identity: by,
    result: 'SUCCESS',
    details: { namespace, reason },
  };
}

/** `INSTANCE_STANDING`: somebody drains an instance, puts it into maintenance, or takes that back. */
export function standingChange(
  { who, sourceIp }: { readonly who: RegistryIdentity; readonly sourceIp: string },
  { service, instanceId, namespace }: Instance,
  { draining, maintenance }: Standing,
): AuditEvent {
  return {
    eventType: 'INSTANCE_STANDING',
    serviceName: service,
    instanceId,
    identity: nameOfIdentity(who),
    sourceIp,
    result: 'SUCCESS',
    details: { namespace, draining, maintenance: maintenance?.reason ?? '' },
  };
}
