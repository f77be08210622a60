// Payments. Koa, ES module.
import Router from '@koa/router';
import Koa from 'koa';
import { json } from 'node:stream/consumers';

let payments = 0;
const router = new Router();

router.get('/health', (context) => {
  context.body = { status: 'ok' };
});

router.post('/api/payments', async (context) => {
  const { amount } = await json(context.req);
  context.assert(Number.isSafeInteger(amount) && amount > 0, 422, 'amount must be a positive number of cents');
  payments += 1;
  context.status = 201;
  context.body = { id: `p-${payments}`, amount };
});

const app = new Koa();
app.use(router.routes());

const server = app.listen(Number(process.env.PORT ?? 8084), '127.0.0.1', () => {
  console.log(`payment-service listens on ${server.address().port}`);
});

process.once('SIGTERM', () => server.close());
