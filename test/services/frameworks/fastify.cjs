const fastify = require('fastify');

const app = fastify();
app.get('/hello/:name', async (request) => ({
  name: request.params.name,
  protocol: request.protocol,
  secure: request.protocol === 'https',
}));
app.post('/items', async (request, reply) => reply.code(201).send({ created: request.body.item }));
app.listen({ port: 0, host: '127.0.0.1' }).then(() => process.send({ port: app.server.address().port }));
