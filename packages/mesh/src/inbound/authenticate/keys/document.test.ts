import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { fetchDocument } from './document.ts';

const asked: string[] = [];

const routes: Readonly<Record<string, RequestListener>> = {
  '/keys': (_request, response) => response.end('{"keys":[]}'),
  '/missing': (_request, response) => response.writeHead(404).end('{"keys":[]}'),
  '/moved': (_request, response) => response.writeHead(302, { location: '/keys' }).end(),
  '/large': (_request, response) => {
    for (let chunk = 0; chunk < 10; chunk += 1) response.write('x'.repeat(100_000));
    response.end();
  },
  '/silent': () => {},
  '/drip': (_request, response) => {
    const timer = setInterval(() => response.write(' '), 5);
    response.on('close', () => clearInterval(timer));
  },
  '/half': (_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"keys":', () => response.destroy());
  },
};

describe('documents of issuers', () => {
  let server: Server;
  let base = '';

  before(async () => {
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      routes[request.url ?? '']?.(request, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const get = (path: string, timeoutMs = 5000): Promise<string> => fetchDocument(new URL(path, base), { timeoutMs });

  it('comes as it is', async () => assert.equal(await get('/keys'), '{"keys":[]}'));

  const refused: readonly (readonly [string, string, RegExp, number?])[] = [
    ['another status', '/missing', /\/missing: answered 404$/],
    ['a redirect, which is not followed', '/moved', /\/moved: answered 302$/],
    ['too much of it', '/large', /larger than 262144 bytes$/],
    ['no answer', '/silent', /no answer within 50 ms$/, 50],
    ['an answer without end', '/drip', /no answer within 50 ms$/, 50],
    ['half an answer', '/half', /\/half: aborted$/],
  ];
  for (const [name, path, problem, timeoutMs] of refused) {
    it(`refused: ${name}`, async () => assert.rejects(get(path, timeoutMs), { message: problem }));
  }

  it('nobody there', async () => {
    await assert.rejects(fetchDocument(new URL('http://127.0.0.1:1/'), { timeoutMs: 5000 }), /ECONNREFUSED/);
  });

  it('was not asked elsewhere', () => assert.equal(asked.filter((path) => path === '/keys').length, 1));
});
