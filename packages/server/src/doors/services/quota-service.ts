import type { ServiceImpl } from '@connectrpc/connect';
import { RampartError } from '@rampart/core';
import type { QuotaService } from '@rampart/wire';
import type { Quotas } from '../../quotas/quotas.ts';
import { workloadOf } from '../caller.ts';

const MOST_WANTS = 1000;

/** Where data planes get their shares of limits that a service's data planes have together. */
export function createQuotaService(quotas: Quotas): ServiceImpl<typeof QuotaService> {
  return {
    lease: ({ wants }, context) => {
      if (wants.length > MOST_WANTS)
        throw new RampartError('INVALID_ARGUMENT', `wants: at most ${MOST_WANTS}, and there are ${wants.length}`);
      const { id, namespace } = workloadOf(context);
      const holder = { namespace, identity: id.toString() };
      return { shares: wants.map((want) => quotas.lease(holder, want)) };
    },
  };
}
