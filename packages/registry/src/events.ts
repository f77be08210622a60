import type { SpiffeId } from '@rampart/core';
import type { AuditEvent } from '@rampart/journal';
import type { Instance } from './store.ts';

/** Who asked for what. */
export interface RegistryEventContext {
  readonly who: SpiffeId;
  readonly request: { readonly service: string; readonly instanceId: string; readonly sourceIp?: string };
  readonly details: NonNullable<AuditEvent['details']>;
}

/** `REGISTRATION`, or a refusal by its name. */
export function registryEvent(eventType: string, { who, request, details }: RegistryEventContext): AuditEvent {
  return {
    eventType,
    serviceName: request.service,
    instanceId: request.instanceId,
    identity: who.toString(),
    sourceIp: request.sourceIp ?? '',
    result: eventType === 'REGISTRATION' ? 'SUCCESS' : 'DENIED',
    details,
  };
}

export function deregistration({ service, instanceId, identity, namespace }: Instance, reason: string): AuditEvent {
  return {
    eventType: 'DEREGISTRATION',
    serviceName: service,
    instanceId,
    identity,
    result: 'SUCCESS',
    details: { namespace, reason },
  };
}
