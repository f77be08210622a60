import type { RampartError, RegistrationEntry, SpiffeId } from '@rampart/core';
import { qualifiedName } from '@rampart/core';
import type { AuditEvent } from '@rampart/journal';

/** An agent that asks for something. */
export interface AgentCall {
  readonly agent: SpiffeId;
  /** Of its certificate, lower-case hex. */
  readonly serial: string;
  readonly sourceIp: string;
}

/** Why an agent got nothing. */
export interface IssuanceRefusal {
  readonly entryId: string;
  /** For operators alone: whether there is such an entry at all. */
  readonly entryExists?: boolean;
  /** `detail` is the name of the rule that was broken. */
  readonly problem: RampartError;
}

export function x509Issued({ agent, sourceIp }: AgentCall, entry: RegistrationEntry, serial: string): AuditEvent {
  return {
    eventType: 'CERTIFICATE_ISSUED',
    serviceName: entry.spec.service ?? '',
    identity: entry.spec.spiffeId,
    sourceIp,
    result: 'SUCCESS',
    details: { entry: qualifiedName(entry), kind: 'workload', requested_by: agent.toString(), serial },
  };
}

export function issuanceDenied(
  { agent, serial, sourceIp }: AgentCall,
  { entryId, entryExists, problem }: IssuanceRefusal,
): AuditEvent {
  return {
    eventType: 'ISSUANCE_DENIED',
    identity: agent.toString(),
    sourceIp,
    result: 'DENIED',
    details: {
      rule: problem.detail ?? '',
      reason: problem.message,
      entry: entryId.slice(0, 320),
      ...(entryExists === undefined ? {} : { entry_exists: entryExists }),
      serial,
    },
  };
}
