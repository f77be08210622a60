// An ordinary service in one of several versions, which fails, takes its time or says nothing where it is asked to. Knows nothing of any mesh.
import { createServer } from 'node:http';

const version = process.env.VERSION;

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const { pathname } = new URL(request.url, 'http://here');
    if (pathname === '/silent') return;
    if (pathname === `/failing-${version}` || pathname === '/failing') response.statusCode = 503;
    const body = Buffer.concat(chunks).toString();
    response.setHeader('content-type', 'application/json');
    response.setHeader('x-inner', 'secret');
    if (pathname === '/flushed') response.flushHeaders();
    const { method, url, headers } = request;
    const answer = () => response.end(JSON.stringify({ version, method, url, headers, body }));
    if (pathname === '/slow') setTimeout(answer, 200);
    else answer();
  });
});
server.on('upgrade', (request, socket) => {
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n${version}:`);
  socket.pipe(socket);
});
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => process.send({ port: server.address().port }));
