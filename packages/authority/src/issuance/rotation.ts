import type { CertificateRecord } from '../store.ts';
import type { Rotation } from './ledger.ts';

/** Part of its life after which a certificate may be renewed as planned, with room for clocks that differ. */
const EARLIEST_RENEWAL = 0.44;

/** Holders renew at half-life, give or take a tenth of it; who comes before that was told to. */
export function rotationOf(old: Pick<CertificateRecord, 'serial' | 'issuedAt' | 'notAfter'>, now: number): Rotation {
  const isDue = now >= old.issuedAt + EARLIEST_RENEWAL * (old.notAfter - old.issuedAt);
  return { oldSerial: old.serial, reason: isDue ? 'scheduled' : 'emergency' };
}
