import Fastify from 'fastify';

const app = Fastify();
app.get('/hello/:name', (request) => ({
  name: request.params.name,
  protocol: request.protocol,
  secure: request.protocol === 'https',
}));
app.post('/items', (request, reply) => reply.code(201).send({ created: request.body.item }));
await app.listen({ port: 0, host: '127.0.0.1' });
process.send({ port: app.server.address().port });
