import express from 'express';

const app = express();
app.use(express.json());
app.get('/hello/:name', (request, response) =>
  response.json({ name: request.params.name, protocol: request.protocol, secure: request.secure }),
);
app.post('/items', (request, response) => response.status(201).json({ created: request.body.item }));
const server = app.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
