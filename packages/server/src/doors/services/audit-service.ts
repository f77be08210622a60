import type { ServiceImpl } from '@connectrpc/connect';
import type { Clock } from '@rampart/core';
import type { Journal } from '@rampart/journal';
import type { AuditService } from '@rampart/wire';
import type { AuditSql } from '../../storage/audit-sql.ts';
import { operatorOf } from './admin/admin-parts.ts';

export interface AuditServiceOptions {
  readonly auditSql: AuditSql;
  readonly journal: Pick<Journal, 'audit'>;
  readonly clock: Clock;
  /** Services that somebody wrote down or approved. */
  allowedServices(): readonly string[];
}

/** Questions to the record, which are on the record themselves. */
export function createAuditService(options: AuditServiceOptions): ServiceImpl<typeof AuditService> {
  return {
    ask: async ({ sql }, context) => {
      const operator = operatorOf(context);
      const allowedServices = options.allowedServices();
      const answer = await options.auditSql.ask({ sql, now: options.clock.now(), allowedServices });
      await options.journal.audit({
        eventType: 'AUDIT_QUERIED',
        identity: operator.name,
        sourceIp: operator.sourceIp,
        // A slip of the pen is no refusal: those who are refused again and again are looked for.
        result: answer.ok ? 'SUCCESS' : 'FAILURE',
        details: { sql, ...(answer.ok ? { rows: answer.value.rows.length } : { reason: answer.problem.message }) },
      });
      if (!answer.ok) throw answer.problem;
      const { columns, rows, isCut } = answer.value;
      return { columns: [...columns], rows: rows.map((row) => JSON.stringify(row)), cut: isCut };
    },
  };
}
