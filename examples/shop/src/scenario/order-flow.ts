import type { AccessLogRecord } from '@rampart/core';
import type { Records } from '../mesh/records.ts';
import type { Shop } from '../mesh/shop.ts';
import type { Sights, UserRequest } from '../traffic/journey.ts';
import { expectation } from './expectation.ts';
import type { Expectation } from './expectation.ts';
import { hopExpectation, wayOf } from './hop.ts';
import type { Hop } from './hop.ts';

const RECORDED_WITHIN_MS = 8000;

const USERS_HOP: Hop = {
  from: undefined,
  to: 'frontend.production.svc',
  method: 'POST',
  path: '/orders',
  code: 201,
  policy: 'production/allow-users-to-frontend',
};

const INNER_HOPS: readonly Hop[] = [
  {
    from: 'frontend',
    to: 'api-server.production.svc',
    method: 'POST',
    path: '/api/v1/orders',
    code: 201,
    policy: 'production/allow-frontend-to-api',
  },
  {
    from: 'api-server',
    to: 'users-api.default.svc',
    method: 'GET',
    path: '/api/users/ada',
    code: 200,
    policy: 'default/users-api-policy',
  },
  {
    from: 'api-server',
    to: 'users-api.default.svc',
    method: 'POST',
    path: '/api/users/ada/orders',
    code: 201,
    policy: 'default/users-api-policy',
  },
  {
    from: 'users-api',
    to: 'orders-api.default.svc',
    method: 'POST',
    path: '/api/orders/new',
    code: 201,
    policy: 'default/orders-api-policy',
  },
  {
    from: 'orders-api',
    to: 'payment-service.prod.svc',
    method: 'POST',
    path: '/api/payments',
    code: 201,
    policy: 'prod/payment-service-policy',
  },
  {
    from: 'orders-api',
    to: 'notifications-api.default.svc',
    method: 'PUT',
    path: /^\/api\/notifications\/\d+$/,
    code: 200,
    policy: 'default/notifications-api-policy',
  },
];

/** What users did and saw: every click of the first visit after the shop's opening was answered. */
export function visitAnswered(requests: readonly UserRequest[], sights: Sights): Expectation {
  const expected = [
    'GET / 200, GET /products 200',
    ...(sights.pictures ? ['GET /images/lamp.svg 200'] : []),
    'POST /orders 201, GET /orders/ID 200',
    ...(sights.deliveries ? ['GET /orders/ID/delivery 200'] : []),
  ].join(', ');
  const clicks = requests.slice(1, 1 + expected.split(', ').length).map(({ method, path, status }) => {
    return `${method} ${path.replace(/\/\d+/, '/ID').replace(/\?.*$/, '')} ${status}`;
  });
  return expectation('a user looks around, orders something and looks at the order', expected, clicks.join(', '));
}

/** Every hop of an order, as the service that was called has it on record. */
export async function orderFlow(shop: Shop): Promise<Expectation[]> {
  const edge = await hopExpectation(shop, USERS_HOP, 'order: user → frontend, the one door open to plaintext');
  const inner = INNER_HOPS.map((hop) => hopExpectation(shop, hop, `order: ${wayOf(hop)} ${hop.method} over mTLS`));
  return [edge, ...(await Promise.all(inner))];
}

/** No call between two services went over the wire in plaintext, by either end's account. */
export function nothingInPlaintext(records: Records): Expectation {
  const calls = records.requests().filter(isBetweenServices);
  const bare = calls.filter((record) => record.tls_version === '');
  const observed = calls.length === 0 ? 'no call on record' : `${bare.length} calls in plaintext`;
  return expectation('no call between services in plaintext', '0 calls in plaintext', observed);
}

/** Caller and callee both reported one and the same request. */
export async function bothReporters(records: Records): Promise<Expectation> {
  const callee = await records.request({ milliseconds: RECORDED_WITHIN_MS, fits: isNewOrder });
  const id = callee?.request_id ?? '';
  await records.request({
    milliseconds: RECORDED_WITHIN_MS,
    fits: (record) => record.request_id === id && record.reporter === 'source',
  });
  const reporters = records
    .requests()
    .filter((record) => id !== '' && record.request_id === id && record.request_path === '/api/orders/new')
    .map((record) => `${record.reporter} ${record.source_principal} ${record.response_code}`)
    .toSorted();
  const seen = `${callee?.source_principal ?? ''} ${callee?.response_code ?? 0}`;
  return expectation(
    'one request id, reported by caller and callee alike',
    `destination ${seen}, source ${seen}`,
    reporters.join(', '),
  );
}

function isNewOrder(record: AccessLogRecord): boolean {
  return record.request_path === '/api/orders/new' && record.reporter === 'destination';
}

function isBetweenServices(record: AccessLogRecord): boolean {
  const reached = record.upstream_host !== '';
  return reached && (record.reporter === 'source' || record.destination_service !== USERS_HOP.to);
}
