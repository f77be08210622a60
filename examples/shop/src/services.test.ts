// The services on their own, without a mesh: ordinary programs that call each other over plain HTTP.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Child } from './process/child.ts';
import { send } from './traffic/journey.ts';

const running: Child[] = [];
let frontend = '';

before(async () => {
  const payments = await serve('payment-service.js');
  const notifications = await serve('notifications-api.js');
  const orders = await serve('orders-api.cjs', {
    SHOP_PAYMENT_SERVICE_URL: payments,
    SHOP_NOTIFICATIONS_API_URL: notifications,
  });
  const users = await serve('users-api.js', { SHOP_ORDERS_API_URL: orders });
  const api = await serve('api-server.js', { SHOP_USERS_API_URL: users });
  frontend = await serve('frontend.js', { SHOP_API_SERVER_URL: api, SHOP_ORDERS_API_URL: orders });
});

after(async () => {
  const exits = await Promise.all(running.map((child) => child.stop(5000)));
  assert.deepEqual(
    exits.map(({ code }) => code),
    exits.map(() => 0),
    'every service ends by itself when it is asked to',
  );
});

test('an order goes all the way and back', async () => {
  const ordered = await send(frontend, { method: 'POST', path: '/orders', body: { user: 'ada', sku: 'mug' } });
  assert.equal(ordered.status, 201);
  const order = { id: '2', user: 'ada', sku: 'mug', price: 1200, payment: 'p-1', notified: 3 };
  assert.deepEqual(JSON.parse(ordered.body), order);
  const seen = await send(frontend, { method: 'GET', path: '/orders/2?user=ada' });
  assert.deepEqual(JSON.parse(seen.body), order);
});

test('without a mesh the shortcut is open', async () => {
  assert.equal((await send(frontend, { method: 'GET', path: '/orders/1/status' })).status, 200);
});

const answers: readonly (readonly [name: string, request: Parameters<typeof send>[1], status: number])[] = [
  ['the page', { method: 'GET', path: '/' }, 200],
  ['health', { method: 'GET', path: '/health' }, 200],
  ['products', { method: 'GET', path: '/products' }, 200],
  ['an order of what is not sold', { method: 'POST', path: '/orders', body: { user: 'ada', sku: 'boat' } }, 400],
  ['an order of nobody', { method: 'POST', path: '/orders', body: { sku: 'mug' } }, 400],
  ['an order that was never made', { method: 'GET', path: '/orders/999?user=ada' }, 404],
];

for (const [name, request, status] of answers) {
  test(`${name}: ${status}`, async () => {
    assert.equal((await send(frontend, request)).status, status);
  });
}

function serve(file: string, environment: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = new Child({
      name: file,
      node: process.execPath,
      arguments: [fileURLToPath(new URL(`../services/${file}`, import.meta.url))],
      environment: { ...process.env, PORT: '0', ...environment },
      onLine: (line) => {
        const port = / listens on (\d+)$/.exec(line)?.[1];
        if (port !== undefined) resolve(`http://127.0.0.1:${port}`);
      },
    });
    running.push(child);
    void child.exited.then(() => reject(new Error(child.lastWords.join('\n'))));
  });
}
