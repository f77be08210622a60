// An ordinary HTTP service that other services ask for permission. Knows nothing of any mesh.
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  response.setHeader('x-seen', request.headers['x-forwarded-client-cert'] ?? 'nobody');
  response.statusCode = request.headers['x-ext-authz'] === 'allow' ? 200 : 403;
  response.end();
});
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => process.send({ port: server.address().port }));
