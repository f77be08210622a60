import { auditRecord } from '@rampart/journal';
import { serviceUpdate } from '../../../control/mesh-snapshots.ts';
import type { Session } from '../../../control/session.ts';
import { type AdminMethods, type AdminParts, limitOf, operatorOf } from './admin-parts.ts';

const AUDIT_RECORDS = { standard: 100, most: 10_000 };

/** What there is and what happened. */
export function createStatusMethods(parts: AdminParts): AdminMethods<'listServices' | 'getStatus' | 'queryAudit'> {
  const { registry, dataPlanes, journal } = parts;
  return {
    listServices: (_request, context) => {
      operatorOf(context);
      return { services: registry.services().map(serviceUpdate) };
    },
    getStatus: (_request, context) => {
      operatorOf(context);
      const services = registry.services();
      return {
        version: parts.version,
        trustDomain: parts.trustDomain,
        rootNamespace: parts.rootNamespace,
        revision: BigInt(parts.revision()),
        dataPlanes: dataPlanes.sessions.length,
        services: services.length,
        instances: services.reduce((sum, { instances }) => sum + instances.length, 0),
        startedAt: BigInt(parts.startedAt),
        planes: dataPlanes.sessions.map(planeStatus),
      };
    },
    queryAudit: async ({ eventType, limit, after }, context) => {
      operatorOf(context);
      const entries = await journal.read({
        stream: 'audit',
        ...(after === 0n ? { order: 'newest-first' } : { order: 'oldest-first', after: Number(after) }),
        limit: limitOf(limit, AUDIT_RECORDS),
        ...(eventType === '' ? {} : { kind: eventType }),
      });
      return { records: entries.map((entry) => JSON.stringify(auditRecord(entry))) };
    },
  };
}

function planeStatus(session: Session): {
  dataPlaneId: string;
  spiffeId: string;
  kind: string;
  version: string;
  ackedRevision: bigint;
  problem: string;
  connectedAt: bigint;
} {
  const { hello, peer } = session.options;
  return {
    dataPlaneId: hello.dataPlaneId,
    spiffeId: peer.id.toString(),
    kind: hello.kind,
    version: hello.version,
    ackedRevision: BigInt(session.ackedRevision),
    problem: session.problem,
    connectedAt: BigInt(session.connectedAt),
  };
}
