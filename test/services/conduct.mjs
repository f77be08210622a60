// An ordinary service with one route for each way in which HTTP can be used. Knows nothing of any mesh.
import { createServer } from 'node:http';

let connections = 0;
/** What became of requests that did not end well, by their path. */
const fates = {};
const held = new Map();

const routes = {
  '/connections': (_request, response) => response.end(String(connections)),
  '/none': (_request, response) => response.writeHead(204).end(),
  '/not-modified': (_request, response) => response.writeHead(304, { etag: '"1"' }).end(),
  '/headed': (_request, response) => response.writeHead(200, { 'content-type': 'text/plain' }).end('hello world'),
  '/measured': (_request, response) => response.writeHead(200, { 'content-length': 11 }).end('hello world'),
  '/sized': (_request, response) => response.setHeader('content-length', 11).end('hello world'),
  '/early': (_request, response) =>
    response.writeEarlyHints({ link: '</style.css>; rel=preload' }, () => response.end('late')),
  '/trailers': (_request, response) => {
    response.writeHead(200, { trailer: 'digest' });
    response.write('body');
    response.addTrailers({ digest: 'abc' });
    response.end();
  },
  '/upload': (request, response) => {
    let bytes = 0;
    let chunks = 0;
    request.on('data', (chunk) => {
      bytes += chunk.length;
      chunks += 1;
    });
    request.on('end', () => response.end(JSON.stringify({ bytes, several: chunks > 1, trailers: request.trailers })));
  },
  '/download': (request, response) => {
    let left = Number(new URL(request.url, 'http://x').searchParams.get('bytes'));
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const pump = () => {
      while (left > 0) {
        const piece = left < chunk.length ? chunk.subarray(0, left) : chunk;
        left -= piece.length;
        if (!response.write(piece)) {
          response.once('drain', pump);
          return;
        }
      }
      response.end();
    };
    pump();
  },
  '/mirror': (request, response) => request.pipe(response),
  // Waits until somebody asks /release for the same key.
  '/hold': (request, response) => {
    const key = new URL(request.url, 'http://x').searchParams.get('key');
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: first\n\n');
    held.set(key, response);
  },
  '/release': (request, response) => {
    const key = new URL(request.url, 'http://x').searchParams.get('key');
    held.get(key)?.end('data: last\n\n');
    response.end(String(held.delete(key)));
  },
  '/silent': (request) => request.resume(),
  '/half': (_request, response) => {
    response.writeHead(200, { 'content-length': 1000 });
    response.write('only this', () => response.destroy());
  },
  '/reset': (request) => request.socket.destroy(),
  '/fates': (_request, response) => response.end(JSON.stringify(fates)),
  '/memory': (_request, response) => response.end(String(process.memoryUsage().rss)),
};

const server = createServer((request, response) => {
  const path = request.url.split('?')[0];
  const fate = (word) => (fates[request.url] = [...(fates[request.url] ?? []), word]);
  request.on('aborted', () => fate('aborted'));
  request.on('error', () => fate('error'));
  response.on('close', () => response.writableFinished || fate('closed'));
  (routes[path] ?? ((_, other) => other.writeHead(404).end()))(request, response);
});
server.on('connection', () => (connections += 1));
server.on('checkContinue', (request, response) => {
  if (request.headers['x-wanted'] === 'no') {
    response.writeHead(417).end();
    return;
  }
  response.writeContinue();
  server.emit('request', request, response);
});
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
