// Notifications: answers with a stream, one JSON line per step as it happens. Fastify, ES module.
import Fastify from 'fastify';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

// How this instance is ill, for those who want to see what a mesh makes of it.
const broken = process.env.SHOP_BROKEN === '1';
const pauseMs = Number(process.env.SHOP_PAUSE_MS ?? 0);

const app = Fastify({ forceCloseConnections: 'idle' });

app.get('/health', () => ({ status: 'ok' }));

// A customer is told of an order once, however often it is asked for: what may be repeated can be retried.
app.put('/api/notifications/:order', async (request, reply) => {
  if (pauseMs > 0) await pause(pauseMs);
  if (broken) return reply.code(503).send({ error: 'the mail server does not answer' });
  reply.type('application/x-ndjson');
  return reply.send(Readable.from(deliver(request.body)));
});

async function* deliver({ to, subject }) {
  for (const step of ['queued', 'rendered', 'sent']) {
    yield `${JSON.stringify({ step, to, subject })}\n`;
    await pause(2);
  }
}

await app.listen({ port: Number(process.env.PORT ?? 8085), host: '127.0.0.1' });
console.log(`notifications-api listens on ${app.server.address().port}`);

process.once('SIGTERM', () => void app.close());
