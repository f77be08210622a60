import type { Command } from 'commander';
import type { Shell } from '../../shell.ts';
import { defineAuditCheckpoint, defineAuditKey } from './checkpoint.ts';
import { defineAuditExport } from './export.ts';
import { defineAuditProof } from './proof.ts';
import { defineAuditQuery } from './query.ts';
import { defineAuditShow } from './show.ts';
import { defineAuditTail } from './tail.ts';
import { defineAuditVerify } from './verify.ts';

export function defineAudit(parent: Command, shell: Shell): void {
  const audit = parent
    .command('audit')
    .description('the record of everything that changed the mesh, and the proof of it');
  defineAuditQuery(audit, shell);
  defineAuditTail(audit, shell);
  defineAuditShow(audit, shell);
  defineAuditExport(audit, shell);
  defineAuditVerify(audit, shell);
  defineAuditCheckpoint(audit, shell);
  defineAuditProof(audit, shell);
  defineAuditKey(audit, shell);
}
