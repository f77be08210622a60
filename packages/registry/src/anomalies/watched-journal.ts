import type { AuditEvent, Journal } from '@rampart/journal';
import type { Anomaly, RegistryObservation } from './anomaly.ts';
import type { AnomalyDetector } from './detector.ts';

export interface AnomalyWatchOptions {
  readonly journal: Pick<Journal, 'audit'>;
  readonly detector: AnomalyDetector;
  /** Hears of each anomaly, for counters. */
  readonly found?: (anomaly: Anomaly) => void;
  /** Hears that one could not be recorded. */
  readonly failed: (error: unknown) => void;
}

/** The journal as the registry writes to it; what becomes durable of it is looked at, and what is unusual recorded beside it. */
export function watchedJournal({ journal, detector, found, failed }: AnomalyWatchOptions): Pick<Journal, 'audit'> {
  return {
    audit: (event) => {
      const recorded = journal.audit(event);
      const observation = observationOf(event);
      if (observation === undefined) return recorded;
      return recorded.then((entry) => {
        const anomaly = detector.observe(observation);
        if (anomaly !== undefined) {
          found?.(anomaly);
          journal.audit(anomalyEvent(anomaly)).catch(failed);
        }
        return entry;
      });
    },
  };
}

/** What a record of the registry says of an instance; undefined for records of anything else. */
export function observationOf(event: AuditEvent): RegistryObservation | undefined {
  const { eventType, serviceName = '', instanceId = '', identity = '', sourceIp = '', details = {} } = event;
  if (eventType !== 'REGISTRATION' && eventType !== 'DEREGISTRATION') return undefined;
  const { namespace, host } = details;
  return {
    kind: eventType === 'REGISTRATION' ? 'registered' : 'deregistered',
    service: serviceName,
    namespace: typeof namespace === 'string' ? namespace : '',
    instanceId,
    identity,
    host: typeof host === 'string' ? host : '',
    sourceIp,
  };
}

function anomalyEvent({
  service,
  namespace,
  instanceId,
  identity,
  sourceIp,
  host,
  score,
  reasons,
}: Anomaly): AuditEvent {
  return {
    eventType: 'REGISTRATION_ANOMALY',
    serviceName: service,
    instanceId,
    identity,
    sourceIp,
    result: 'SUCCESS',
    details: { host, namespace, reasons: reasons.map((reason) => ({ ...reason })), score },
  };
}
