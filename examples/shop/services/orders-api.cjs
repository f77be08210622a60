'use strict';
// Orders: takes the money, keeps the order, tells the customer. Plain node:http, CommonJS, calls with http.request and a keep-alive agent.
const { createServer, request, Agent } = require('node:http');
const { once } = require('node:events');
const { json, text } = require('node:stream/consumers');

const paymentService = process.env.SHOP_PAYMENT_SERVICE_URL ?? 'http://payment-service.prod';
const notificationsApi = process.env.SHOP_NOTIFICATIONS_API_URL ?? 'http://notifications-api';

const agent = new Agent({ keepAlive: true });
// Orders are kept in memory: the numbers of another version of this service begin elsewhere, so that they can be told apart.
let lastOrder = Number(process.env.SHOP_LAST_ORDER ?? 1);
// Where the new version wants to report what was sold.
const statistics = process.env.SHOP_STATISTICS_URL;
const orders = new Map([['1', { id: '1', user: 'ada', sku: 'lamp', price: 3900, payment: 'p-0', notified: 3 }]]);

async function send(method, url, body) {
  const call = request(url, { method, agent, headers: { 'content-type': 'application/json' } });
  call.end(JSON.stringify(body));
  const [answer] = await once(call, 'response');
  const content = await text(answer);
  if (answer.statusCode >= 300) throw new Error(`${url} answered ${answer.statusCode}: ${content}`);
  return content;
}

async function createOrder(incoming) {
  const { user, email, sku, price } = await json(incoming);
  const payment = JSON.parse(await send('POST', `${paymentService}/api/payments`, { user, amount: price }));
  lastOrder += 1;
  const id = String(lastOrder);
  const steps = await send('PUT', `${notificationsApi}/api/notifications/${id}`, { to: email, subject: `Order ${id}` });
  const order = { id, user, sku, price, payment: payment.id, notified: steps.trim().split('\n').length };
  orders.set(id, order);
  if (statistics !== undefined) report(order);
  return order;
}

// Nobody waits for it.
function report({ sku, price }) {
  const call = request(statistics, { method: 'POST', headers: { 'content-type': 'application/json' } });
  call.on('error', (error) => console.log(`statistics: ${error.message}`)).on('response', (answer) => answer.resume());
  call.end(JSON.stringify({ sku, price }));
}

async function route(incoming) {
  const path = incoming.url.split('?', 1)[0];
  if (incoming.method === 'GET' && path === '/health') return { status: 200, body: { status: 'ok' } };
  if (incoming.method === 'POST' && path === '/api/orders/new')
    return { status: 201, body: await createOrder(incoming) };
  const order =
    incoming.method === 'GET' && path.startsWith('/api/orders/') && orders.get(decodeURIComponent(path.slice(12)));
  return order ? { status: 200, body: order } : { status: 404, body: { error: 'no such order' } };
}

const server = createServer((incoming, outgoing) => {
  route(incoming)
    .catch((error) => ({ status: 502, body: { error: error.message } }))
    .then(({ status, body }) => {
      outgoing.writeHead(status, { 'content-type': 'application/json' });
      outgoing.end(JSON.stringify(body));
    });
});

server.listen(Number(process.env.PORT ?? 8083), '127.0.0.1', () =>
  console.log(`orders-api listens on ${server.address().port}`),
);

process.once('SIGTERM', () => {
  agent.destroy();
  server.close();
});
