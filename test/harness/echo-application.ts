import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { Readable } from 'node:stream';

/** Megabytes of `/api/large`. */
export const MEGABYTES = 20;

/** What an application without a line of mesh code answers. */
export interface Echo {
  readonly method: string;
  readonly url: string;
  readonly bytes: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Any program of any language: a server that knows nothing of the mesh. */
export function echoApplication(): http.Server {
  const server = http.createServer((request, response) => {
    if (request.url?.startsWith('/api/large') === true) {
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      Readable.from(pieces()).pipe(response);
      return;
    }
    if (request.url === '/api/coded') {
      request.socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n');
      return;
    }
    if (request.url === '/api/broken') {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      setImmediate(() => request.socket.destroy());
      return;
    }
    let bytes = 0;
    request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    request.on('end', () => {
      const { method, url, headers } = request;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ method, url, bytes, headers }));
    });
  });
  server.on('upgrade', (_, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\n');
    socket.pipe(socket);
  });
  return server;
}

function* pieces(): Generator<Buffer> {
  for (let count = 0; count < MEGABYTES; count += 1) yield Buffer.alloc(1024 * 1024, 'x');
}

/** Opens a server on a port of the loopback that is free; resolves with it. */
export async function listening(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}
