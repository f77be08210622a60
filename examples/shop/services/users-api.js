// Users, and what they may do with their orders. Hono on Node's own server, ES module, calls with the built-in fetch.
import { serve } from '@hono/node-server';
import { Hono } from 'hono';

const ordersApi = process.env.SHOP_ORDERS_API_URL ?? 'http://orders-api';

const app = new Hono();

app.get('/health', (c) => c.json({ status: 'ok' }));

app.get('/api/users/:id', (c) => c.json(profile(c.req.param('id'))));

app.post('/api/users/:id/orders', async (c) => {
  const user = profile(c.req.param('id'));
  const product = await c.req.json();
  return fetch(`${ordersApi}/api/orders/new`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user: user.id, email: user.email, sku: product.sku, price: product.price }),
  });
});

app.get('/api/users/:id/orders/:order', (c) =>
  fetch(`${ordersApi}/api/orders/${encodeURIComponent(c.req.param('order'))}`),
);

app.onError((error, c) => c.json({ error: error.cause?.message ?? error.message }, 502));

function profile(id) {
  return { id, email: `${id}@example.com` };
}

const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 8082), hostname: '127.0.0.1' }, (address) => {
  console.log(`users-api listens on ${address.port}`);
});

process.once('SIGTERM', () => server.close());
