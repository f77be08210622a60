import type { QuotaShare, QuotaWant } from '@rampart/wire/control';

/** Asks the control plane for shares, one for each want, in their order. Rejects when there is no answer. */
export type Lease = (wants: readonly QuotaWant[]) => Promise<readonly QuotaShare[]>;
