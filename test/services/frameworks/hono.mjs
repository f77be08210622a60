import { serve } from '@hono/node-server';
import { Hono } from 'hono';

const app = new Hono();
app.get('/hello/:name', (context) => {
  const { protocol } = new URL(context.req.url);
  return context.json({
    name: context.req.param('name'),
    protocol: protocol.slice(0, -1),
    secure: protocol === 'https:',
  });
});
app.post('/items', async (context) => context.json({ created: (await context.req.json()).item }, 201));
serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => process.send({ port }));
