import type { AuditEvent } from '@rampart/journal';
import type { EvidenceProblem } from './evidence.ts';
import type { EvidenceRequest } from './reception.ts';

/** What is written about a newcomer that was let in. */
export interface AttestationOutcome {
  readonly identity: string;
  readonly serviceName: string;
  readonly details: { readonly attestor: string; readonly entry: string; readonly selectors: readonly string[] };
  readonly serial: string;
}

export function attestationDenied(
  { evidence, agent, sourceIp }: EvidenceRequest,
  { rule, message, detail = '' }: EvidenceProblem & { readonly detail?: string },
): AuditEvent {
  return {
    eventType: 'ATTESTATION_DENIED',
    sourceIp,
    result: 'DENIED',
    details: { evidence: evidence.kind, agent, rule, reason: message, ...(detail === '' ? {} : { entries: detail }) },
  };
}

export function attestationSucceeded(
  { evidence, agent, sourceIp }: EvidenceRequest,
  { identity, serviceName, details, serial }: AttestationOutcome,
): readonly AuditEvent[] {
  const common = { identity, serviceName, sourceIp, result: 'SUCCESS' } as const;
  return [
    { ...common, eventType: 'ATTESTATION_SUCCESS', details: { evidence: evidence.kind, ...details } },
    { ...common, eventType: 'CERTIFICATE_ISSUED', details: { kind: agent ? 'agent' : 'workload', serial } },
  ];
}
