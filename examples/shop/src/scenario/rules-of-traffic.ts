import type { ServiceTraffic } from '@rampart/wire';
import { until } from '../process/condition.ts';
import { addSecondInstances } from '../mesh/second-instances.ts';
import type { Shop } from '../mesh/shop.ts';
import { send } from '../traffic/journey.ts';
import type { UserRequest } from '../traffic/journey.ts';
import { FIRST_ORDER_OF_CANARY } from '../workloads.ts';
import { expectation } from './expectation.ts';
import type { Expectation } from './expectation.ts';

const AT_A_TIME = 4;
/** The failing instance must have been tried, and both versions of orders-api must have had their turn. */
const FEWEST_ORDERS = 24;
/** One of ten goes to the canary: that none of so many does happens once in a hundred million runs. */
const MOST_ORDERS = 176;
const SEEN_WITHIN_MS = 8000;
const NOTIFICATIONS = 'notifications-api.default.svc';
const STATISTICS = 'statistics.example.net';

/** A slow and a failing instance, a canary, and a call that leaves the mesh: what each is made of. */
export async function rulesOfTraffic(shop: Shop): Promise<Expectation[]> {
  await addSecondInstances(shop);
  const after = shop.records.mark;
  const orders = await order(shop);
  const made = orders.filter(({ status }) => status === 201);
  const byCanary = made.map(idOf).filter((id) => id >= FIRST_ORDER_OF_CANARY);
  const isFew = byCanary.length > 0 && byCanary.length < made.length / 2;
  return [
    expectation(
      'traffic: no order fails although one instance of notifications-api always does',
      `${orders.length} of ${orders.length} answered 201`,
      `${made.length} of ${orders.length} answered 201`,
    ),
    expectation('traffic: it is ejected', '1 instance ejected', await ejected(shop)),
    expectation(
      'traffic: its slow instance is given fewer requests than the quick one',
      'fewer',
      await shareOfSlow(shop, after),
    ),
    expectation(
      'traffic: the new version of orders-api makes some orders, and the old one most',
      'some',
      isFew ? 'some' : `${byCanary.length} of ${made.length}`,
    ),
    expectation('traffic: an order is found where it was made', '200', await found(shop, byCanary[0])),
    expectation(
      'traffic: the new version may not report to a host outside that no rule names',
      'DENY on record',
      await denied(shop, after),
    ),
  ];
}

async function order(shop: Shop): Promise<UserRequest[]> {
  const orders: UserRequest[] = [];
  const hasCanary = (): boolean => orders.some((each) => each.status === 201 && idOf(each) >= FIRST_ORDER_OF_CANARY);
  while (orders.length < MOST_ORDERS && (orders.length < FEWEST_ORDERS || !hasCanary())) {
    const some = Array.from({ length: AT_A_TIME }, () =>
      send(shop.frontend, { method: 'POST', path: '/orders', body: { user: 'ada', sku: 'lamp' } }),
    );
    orders.push(...(await Promise.all(some)));
  }
  return orders;
}

function idOf({ body }: UserRequest): number {
  const order = JSON.parse(body) as { readonly id: string };
  return Number(order.id);
}

async function ejected(shop: Shop): Promise<string> {
  const row = await until(SEEN_WITHIN_MS, async () => {
    const seen = await trafficOf(shop);
    return (seen?.ejectedInstances.length ?? 0) > 0 ? seen : undefined;
  });
  const count = row?.ejectedInstances.length ?? 0;
  return `${count} ${count === 1 ? 'instance' : 'instances'} ejected`;
}

async function trafficOf(shop: Shop): Promise<ServiceTraffic | undefined> {
  for await (const { services } of shop.admin.watchTraffic({ service: NOTIFICATIONS, once: true })) return services[0];
  return undefined;
}

/** By what the instances have on record: who is slow shows in how long it takes. */
async function shareOfSlow(shop: Shop, after: number): Promise<string> {
  const counts = await until(SEEN_WITHIN_MS, () => {
    const records = shop.records
      .requests(after)
      .filter(
        (each) =>
          each.reporter === 'destination' && each.destination_service === NOTIFICATIONS && each.response_code === 200,
      );
    return Promise.resolve(records.length >= FEWEST_ORDERS ? records : undefined);
  });
  const { services } = await shop.admin.listServices({});
  const slow = services
    .find(({ name }) => name === 'notifications-api')
    ?.endpoints.find(({ labels }) => labels['version'] === 'slow');
  const bySlow = (counts ?? []).filter(({ upstream_host: host }) => host.endsWith(`:${slow?.port ?? 0}`)).length;
  const byQuick = (counts?.length ?? 0) - bySlow;
  return bySlow < byQuick ? 'fewer' : `${bySlow} to the slow one, ${byQuick} to the quick one`;
}

async function found(shop: Shop, id: number | undefined): Promise<string> {
  if (id === undefined) return 'none was made';
  return String((await send(shop.frontend, { method: 'GET', path: `/orders/${id}?user=ada` })).status);
}

async function denied(shop: Shop, after: number): Promise<string> {
  const record = await shop.records.request({
    after,
    milliseconds: SEEN_WITHIN_MS,
    fits: (each) => each.reporter === 'source' && each.authority.startsWith(STATISTICS),
  });
  return record === undefined ? 'not on record' : `${record.authorization_decision} on record`;
}
