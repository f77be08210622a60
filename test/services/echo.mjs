// An ordinary service: answers with what it was asked. Knows nothing of any mesh.
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks);
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        method: request.method,
        url: request.url,
        headers: request.headers,
        views: { raw: request.rawHeaders, distinct: request.headersDistinct },
        bytes: body.length,
        encrypted: request.socket.encrypted === true,
        pid: process.pid,
      }),
    );
  });
});
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => process.send({ port: server.address().port }));
