import type { CertificateRecord } from '../store.ts';
import type { Rotation } from './ledger.ts';

/** Holders come a tenth sooner than planned at most, of what lies before that or after; the rest is room for clocks that differ. */
const LEAD = 0.12;

/** Holders renew after `renewalShare` of a life, give or take a tenth; who comes before that was told to. */
export function rotationOf(
  old: Pick<CertificateRecord, 'serial' | 'issuedAt' | 'notAfter'>,
  { now, renewalShare }: { readonly now: number; readonly renewalShare: number },
): Rotation {
  const earliest = renewalShare - LEAD * Math.min(renewalShare, 1 - renewalShare);
  const isDue = now >= old.issuedAt + earliest * (old.notAfter - old.issuedAt);
  return { oldSerial: old.serial, reason: isDue ? 'scheduled' : 'emergency' };
}
