// The shop's web front: what users talk to. Express, ES module, calls with the built-in fetch.
import express from 'express';

const apiServer = process.env.SHOP_API_SERVER_URL ?? 'http://api-server';
const catalog = process.env.SHOP_CATALOG_URL ?? 'http://catalog';
const ordersApi = process.env.SHOP_ORDERS_API_URL ?? 'http://orders-api.default';

const app = express();
app.disable('x-powered-by');
app.use(express.json());

app.get('/health', (_request, response) => {
  response.json({ status: 'ok' });
});

app.get('/', (_request, response) => {
  response
    .type('html')
    .send('<!doctype html><title>Shop</title><h1>Shop</h1><p><a href="/products">Products</a></p>\n');
});

app.get('/products', async (_request, response) => {
  await pass(await fetch(`${apiServer}/api/v1/products`), response);
});

app.get('/images/:name', async (request, response) => {
  await pass(await fetch(`${catalog}/images/${encodeURIComponent(request.params.name)}`), response);
});

app.post('/orders', async (request, response) => {
  const answer = await fetch(`${apiServer}/api/v1/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request.body),
  });
  await pass(answer, response);
});

app.get('/orders/:id', async (request, response) => {
  const user = encodeURIComponent(String(request.query.user ?? ''));
  await pass(await fetch(`${apiServer}/api/v1/orders/${encodeURIComponent(request.params.id)}?user=${user}`), response);
});

app.get('/orders/:id/delivery', async (request, response) => {
  const user = encodeURIComponent(String(request.query.user ?? ''));
  const id = encodeURIComponent(request.params.id);
  await pass(await fetch(`${apiServer}/api/v1/orders/${id}/delivery?user=${user}`), response);
});

// A shortcut past the API server, as they creep in: orders-api's policy does not let the frontend in.
app.get('/orders/:id/status', async (request, response) => {
  await pass(await fetch(`${ordersApi}/api/orders/${encodeURIComponent(request.params.id)}`), response);
});

// oxlint-disable-next-line max-params -- Express knows an error handler by its four parameters
app.use((error, _request, response, _next) => {
  const reason = error.cause?.message ?? error.message;
  response.status(error.status ?? 502).json({ error: reason });
});

async function pass(answer, response) {
  response.status(answer.status).type(answer.headers.get('content-type') ?? 'text/plain');
  response.send(Buffer.from(await answer.arrayBuffer()));
}

const server = app.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`frontend listens on ${server.address().port}`);
});

process.once('SIGTERM', () => server.close());
