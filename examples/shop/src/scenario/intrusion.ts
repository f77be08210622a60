import type { ConnectionRefusalKind } from '@rampart/core';
import { attack } from '../intruder/attack.ts';
import type { Attempt, AttemptName } from '../intruder/attempt.ts';
import type { Shop } from '../mesh/shop.ts';
import { expectation } from './expectation.ts';
import type { Expectation } from './expectation.ts';

const RECORDED_WITHIN_MS = 8000;

const REFUSALS: readonly (readonly [AttemptName, ConnectionRefusalKind])[] = [
  ['plaintext', 'plaintext_rejected'],
  ['no certificate', 'certificate_rejected'],
  ['another trust domain', 'certificate_rejected'],
  ['stolen name', 'certificate_rejected'],
];

const REFUSALS_OF_SIDECAR: typeof REFUSALS = [
  ['plaintext to a sidecar', 'plaintext_rejected'],
  ['stolen name to a sidecar', 'certificate_rejected'],
];

const DENIALS: readonly Denial[] = [
  { name: 'valid identity, forbidden path', by: 'default/orders-api-policy' },
  { name: 'forged X-Forwarded-Client-Cert', by: 'default/orders-api-policy' },
];
const DENIAL_OF_SIDECAR: Denial = { name: 'valid identity, behind a sidecar', by: 'default/delivery-api-policy' };

interface Denial {
  readonly name: AttemptName;
  readonly by: string;
}

/** What the intruder's attempts came to, from the intruder's side and on the mesh's record. */
export interface Intrusion {
  readonly expectations: readonly Expectation[];
  /** SPIFFE ID of the workload that the intruder runs inside the mesh. */
  readonly insider: string;
  /** Serial number (hex) that orders-api showed the intruder. */
  readonly shownSerial: string;
}

export async function intrusion(shop: Shop): Promise<Intrusion> {
  const after = shop.records.mark;
  const { attempts, insider } = await attack(shop);
  const of = (name: AttemptName): Attempt | undefined => attempts.find((attempt) => attempt.name === name);
  const has = (name: string): boolean => shop.services.some(({ workload }) => workload.name === name);
  const refusals = [...REFUSALS, ...(has('delivery-api') || has('catalog') ? REFUSALS_OF_SIDECAR : [])];
  const denials = [...DENIALS, ...(has('delivery-api') ? [DENIAL_OF_SIDECAR] : [])];
  const refused = refusals.map(async ([name, kind]) =>
    expectation(`intruder: ${name}`, `no answer; on record as ${kind}`, await refusalOf(shop, of(name), after)),
  );
  const denied = denials.map(async ({ name, by }) =>
    expectation(
      `intruder: ${name}`,
      `403 RBAC: access denied; on record as DENY of ${insider} by ${by}`,
      await denialOf(shop, of(name), after),
    ),
  );
  return {
    expectations: await Promise.all([...refused, ...denied]),
    insider,
    shownSerial: of('no certificate')?.serverSerial ?? '',
  };
}

async function refusalOf(shop: Shop, attempt: Attempt | undefined, after: number): Promise<string> {
  if (attempt === undefined) return 'never tried';
  const refusal = await shop.records.refusal({
    after,
    milliseconds: RECORDED_WITHIN_MS,
    fits: (each) => each.remote_address === attempt.from,
  });
  const seen = attempt.status === 0 && attempt.body === '' ? noAnswer(attempt) : attempt.outcome;
  return `${seen}; ${refusal === undefined ? 'not on record' : `on record as ${refusal.kind}`}`;
}

function noAnswer(attempt: Attempt): string {
  return attempt.outcome.startsWith('connection closed') ? 'no answer' : attempt.outcome;
}

async function denialOf(shop: Shop, attempt: Attempt | undefined, after: number): Promise<string> {
  if (attempt === undefined) return 'never tried';
  const record = await shop.records.request({
    after,
    milliseconds: RECORDED_WITHIN_MS,
    fits: (each) => each.reporter === 'destination' && each.request_path === attempt.path,
  });
  const onRecord =
    record === undefined
      ? 'not on record'
      : `on record as ${record.authorization_decision} of ${record.source_principal} by ${record.authorization_policy}`;
  return `${attempt.status} ${attempt.body.trim()}; ${onRecord}`;
}
