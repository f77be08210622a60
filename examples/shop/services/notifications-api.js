// Notifications: answers with a stream, one JSON line per step as it happens. Fastify, ES module.
import Fastify from 'fastify';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

const app = Fastify({ forceCloseConnections: 'idle' });

app.get('/health', () => ({ status: 'ok' }));

app.post('/api/notifications', (request, reply) => {
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
