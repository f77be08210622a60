// The public API behind the front. Fastify, ES module, calls with undici from npm.
import Fastify from 'fastify';
import { request as call } from 'undici';

const deliveryApi = process.env.SHOP_DELIVERY_API_URL ?? 'http://delivery-api.default';
const usersApi = process.env.SHOP_USERS_API_URL ?? 'http://users-api.default';

const products = [
  { sku: 'lamp', name: 'Desk lamp', price: 3900 },
  { sku: 'mug', name: 'Mug', price: 1200 },
  { sku: 'chair', name: 'Chair', price: 12900 },
];

const app = Fastify({ forceCloseConnections: 'idle' });

app.get('/health', () => ({ status: 'ok' }));

app.get('/api/v1/products', () => products);

const orderBody = {
  type: 'object',
  required: ['user', 'sku'],
  properties: {
    user: { type: 'string', minLength: 1 },
    sku: { type: 'string', enum: products.map((product) => product.sku) },
  },
};

app.post('/api/v1/orders', { schema: { body: orderBody } }, async (request, reply) => {
  const { user, sku } = request.body;
  const userPath = `/api/users/${encodeURIComponent(user)}`;
  const profile = await call(`${usersApi}${userPath}`);
  if (profile.statusCode !== 200) return pass(profile, reply);
  await profile.body.json();
  const order = await call(`${usersApi}${userPath}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(products.find((product) => product.sku === sku)),
  });
  return pass(order, reply);
});

app.get('/api/v1/orders/:id', async (request, reply) => {
  const user = encodeURIComponent(request.query.user ?? '');
  return pass(await call(`${usersApi}/api/users/${user}/orders/${encodeURIComponent(request.params.id)}`), reply);
});

app.get('/api/v1/orders/:id/delivery', async (request, reply) => {
  const user = encodeURIComponent(request.query.user ?? '');
  const id = encodeURIComponent(request.params.id);
  const order = await call(`${usersApi}/api/users/${user}/orders/${id}`);
  if (order.statusCode !== 200) return pass(order, reply);
  const { sku } = await order.body.json();
  return pass(await call(`${deliveryApi}/api/deliveries/${id}?user=${user}&sku=${sku}`), reply);
});

function pass(answer, reply) {
  return reply
    .code(answer.statusCode)
    .type(String(answer.headers['content-type'] ?? 'text/plain'))
    .send(answer.body);
}

await app.listen({ port: Number(process.env.PORT ?? 8081), host: '127.0.0.1' });
console.log(`api-server listens on ${app.server.address().port}`);

process.once('SIGTERM', () => void app.close());
