import type { ApprovalRecord, ApprovalStore } from '@rampart/registry';
import type { Database } from '../../database.ts';
import type { RegistryApprovalTable } from '../../tables.ts';

/** The approvals of registrations in the database. */
export function createApprovalStore({ reads, writer }: Database): ApprovalStore {
  return {
    all: async () => (await reads.selectFrom('registry_approvals').selectAll().execute()).map(approvalOf),
    put: (records) =>
      writer.write(async (transaction) => {
        for (const record of records) {
          const { namespace, service, identity, ...changed } = rowOf(record);
          await transaction
            .insertInto('registry_approvals')
            .values({ namespace, service, identity, ...changed })
            .onConflict((conflict) => conflict.columns(['namespace', 'service', 'identity']).doUpdateSet(changed))
            .execute();
        }
      }),
  };
}

function rowOf({ requestedAt, sourceIp, decidedAt, decidedBy, ...same }: ApprovalRecord): RegistryApprovalTable {
  return {
    ...same,
    requested_at: requestedAt,
    source_ip: sourceIp,
    decided_at: decidedAt ?? null,
    decided_by: decidedBy ?? null,
  };
}

function approvalOf(row: RegistryApprovalTable): ApprovalRecord {
  const { requested_at: requestedAt, source_ip: sourceIp, decided_at: decidedAt, decided_by: decidedBy, ...same } = row;
  return {
    ...same,
    requestedAt,
    sourceIp,
    ...(decidedAt === null ? {} : { decidedAt }),
    ...(decidedBy === null ? {} : { decidedBy }),
  };
}
