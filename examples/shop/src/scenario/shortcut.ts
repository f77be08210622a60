import { rampart } from '../mesh/command.ts';
import { allInStep } from '../mesh/registration.ts';
import { OPENING_POLICY } from '../mesh/folders.ts';
import type { Shop } from '../mesh/shop.ts';
import { send } from '../traffic/journey.ts';
import { expectation } from './expectation.ts';
import type { Expectation } from './expectation.ts';

const RECORDED_WITHIN_MS = 8000;
const IN_STEP_WITHIN_MS = 5000;
const DENIED = '403 RBAC: access denied; DENY by default/orders-api-policy';

/** The frontend's shortcut to orders-api: denied, opened by a policy, closed again when the policy is gone. */
export async function shortcut(shop: Shop): Promise<Expectation[]> {
  const closed = expectation('frontend → orders-api directly is denied', DENIED, await take(shop));

  const applied = await rampart(shop, ['apply', '-f', OPENING_POLICY]);
  await inStep(shop);
  const opened = expectation(
    'applying the opening policy lets the call through',
    'rampart apply: exit code 0; 200; ALLOW by default/allow-frontend-to-orders',
    `rampart apply: ${applied}; ${await take(shop)}`,
  );

  const deleted = await rampart(shop, ['delete', '-f', OPENING_POLICY]);
  await inStep(shop);
  const closedAgain = expectation(
    'deleting the opening policy closes it again',
    `rampart delete: exit code 0; ${DENIED}`,
    `rampart delete: ${deleted}; ${await take(shop)}`,
  );
  return [closed, opened, closedAgain];
}

async function inStep(shop: Shop): Promise<void> {
  const identities = shop.services.map(({ spiffeId }) => spiffeId);
  await allInStep(shop.admin, identities, IN_STEP_WITHIN_MS);
}

/** Follows the shortcut as a user: what the user saw, and what orders-api has on record. */
async function take(shop: Shop): Promise<string> {
  const after = shop.records.mark;
  const seen = await send(shop.frontend, { method: 'GET', path: '/orders/1/status' });
  const caller = shop.services.find(({ workload }) => workload.name === 'frontend');
  const record = await shop.records.request({
    after,
    milliseconds: RECORDED_WITHIN_MS,
    fits: (each) =>
      each.reporter === 'destination' &&
      each.destination_service === 'orders-api.default.svc' &&
      each.source_principal === caller?.spiffeId,
  });
  const body = seen.status === 200 ? '' : ` ${seen.body.trim()}`;
  const onRecord =
    record === undefined ? 'not on record' : `${record.authorization_decision} by ${record.authorization_policy}`;
  return `${seen.status}${body}; ${onRecord}`;
}
