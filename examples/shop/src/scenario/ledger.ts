import { until } from '../process/condition.ts';
import type { Shop } from '../mesh/shop.ts';
import { expectation } from './expectation.ts';
import type { Expectation } from './expectation.ts';

const WITHIN_MS = 3000;
const MOST_CERTIFICATES = 1000;

/** Every identity seen at work has a certificate in the issuance ledger, and so has the certificate seen on the wire. */
export async function everyCertificateInLedger(
  shop: Shop,
  seen: { readonly insider: string; readonly shownSerial: string },
): Promise<Expectation[]> {
  const { certificates } = await shop.admin.listCertificates({ limit: MOST_CERTIFICATES });
  const entered = certificates.filter(({ sequence }) => sequence > 0n);
  const identities = [...shop.services.map(({ spiffeId }) => spiffeId), seen.insider];
  const missing = identities.filter(
    (id) => !entered.some(({ kind, spiffeId }) => kind === 'workload' && spiffeId === id),
  );
  const sequences = new Set(entered.map(({ sequence }) => sequence));
  const shown = entered.find(({ serial }) => sameSerial(serial, seen.shownSerial));
  return [
    expectation(
      'every certificate is in the issuance ledger, each at a place of its own',
      `${certificates.length} of ${certificates.length}; no identity is missing`,
      `${sequences.size} of ${certificates.length}; ${missing.length === 0 ? 'no identity' : missing.join(', ')} is missing`,
    ),
    expectation(
      'the certificate that orders-api shows on the wire is in the ledger',
      'spiffe://cluster.local/ns/default/sa/orders-api',
      shown?.spiffeId ?? `serial ${seen.shownSerial} is not in the ledger`,
    ),
  ];
}

/** Every service enforces the newest policies. */
export async function everyoneInStep(shop: Shop): Promise<Expectation> {
  const planes = await until(WITHIN_MS, async () => {
    const { revision, planes: all } = await shop.admin.getStatus({});
    const current = all.filter((plane) => plane.ackedRevision >= revision && plane.problem === '');
    const names = shop.services.filter(({ spiffeId }) => current.some((plane) => plane.spiffeId === spiffeId));
    return names.length === shop.services.length ? names : undefined;
  });
  return expectation(
    'every service enforces the newest policies',
    `${shop.services.length} of ${shop.services.length} services`,
    `${planes?.length ?? 0} of ${shop.services.length} services`,
  );
}

function sameSerial(a: string, b: string): boolean {
  return b !== '' && plainHex(a) === plainHex(b);
}

function plainHex(serial: string): string {
  return serial.toLowerCase().replaceAll(':', '').replace(/^0+/, '');
}
