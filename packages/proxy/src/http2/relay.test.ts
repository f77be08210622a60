import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { startRelay } from './relay.fixture.ts';
import type { Relay } from './relay.fixture.ts';

const { NGHTTP2_CANCEL } = http2.constants;

async function listening(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

/** What became of a request. */
interface Heard {
  readonly status: number;
  readonly body: string;
  readonly trailers: http2.IncomingHttpHeaders;
  readonly error: string;
}

function hear(stream: http2.ClientHttp2Stream): Promise<Heard> {
  let [status, body, error] = [0, '', ''];
  let trailers: http2.IncomingHttpHeaders = {};
  stream.setEncoding('utf8');
  stream.on('response', (headers) => (status = headers[':status'] ?? 0));
  stream.on('data', (chunk: string) => (body += chunk));
  stream.on('trailers', (fields: http2.IncomingHttpHeaders) => (trailers = fields));
  stream.on('error', (cause: Error) => (error = cause.message));
  return new Promise((resolve) => {
    stream.on('close', () => resolve({ status, body, trailers, error }));
  });
}

describe('HTTP/2 to HTTP/2', () => {
  const app = http2.createServer({ settings: { maxConcurrentStreams: 10 } });
  /** What the application has heard of request bodies that were not whole. */
  const broken: string[] = [];
  const whole: string[] = [];
  let relay: Relay;
  let session: http2.ClientHttp2Session;

  before(async () => {
    app.on('stream', (stream, headers) => serve(stream, headers));
    relay = await startRelay(await listening(app), 'h2');
    session = http2.connect(`http://127.0.0.1:${relay.port}`);
  });
  beforeEach(() => {
    broken.length = 0;
    whole.length = 0;
  });
  after(() => {
    session.destroy();
    relay.close();
    app.close();
  });

  function serve(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders): void {
    const path = headers[':path'] ?? '';
    stream.on('error', () => undefined);
    stream.on('close', () => {
      if (stream.rstCode !== 0) broken.push(path);
    });
    stream.on('end', () => stream.rstCode === 0 && whole.push(path));
    if (path === '/early') {
      stream.respond({ ':status': 413 }, { endStream: true });
      return;
    }
    if (path.startsWith('/half')) {
      stream.respond({ ':status': 200, ...(path === '/half-of-known' ? { 'content-length': '8' } : {}) });
      stream.write('half', () => stream.destroy(new Error('out of paper')));
      return;
    }
    let body = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => (body += chunk));
    let asked = {};
    stream.on('trailers', (fields) => (asked = fields));
    if (path === '/silent') return;
    stream.on('end', () => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': String(body.length), ...asked }));
      stream.end(body);
    });
  }

  it('trailers go both ways', async () => {
    const stream = session.request({ ':path': '/', ':method': 'POST' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-mine': 'a', constructor: 'b' }));
    stream.end('lamp');
    const { status, body, trailers } = await hear(stream);
    assert.deepEqual([status, body], [200, 'lamp']);
    assert.equal(trailers['x-sum'], '4');
    assert.deepEqual([trailers['x-mine'], trailers['constructor']], ['a', 'b']);
  });

  for (const path of ['/half', '/half-of-known']) {
    it(`${path}: half an answer is not taken for the whole`, async () => {
      const { status, error } = await hear(session.request({ ':path': path }));
      assert.equal(status, 200);
      assert.match(error, /INTERNAL_ERROR/);
    });
  }

  for (const length of [{}, { 'content-length': '8' }]) {
    it(`half a request is not taken for the whole ${JSON.stringify(length)}`, async () => {
      const stream = session.request({ ':path': '/silent', ':method': 'POST', ...length }, { waitForTrailers: true });
      stream.on('error', () => undefined);
      await new Promise((resolve) => stream.write('half', resolve));
      stream.close(NGHTTP2_CANCEL);
      await until('the application to hear of it', () => broken.includes('/silent'));
      assert.deepEqual(whole, []);
    });
  }

  it('an answer that comes before its request is whole is passed on, and the rest not asked for', async () => {
    const stream = session.request({ ':path': '/early', ':method': 'POST' });
    stream.write('a little');
    const { status } = await hear(stream);
    assert.equal(status, 413);
  });

  it('requests beyond what the service takes at a time find room on other connections', async () => {
    const streams = Array.from({ length: 100 }, () => session.request({ ':path': '/', ':method': 'POST' }));
    const all = Promise.all(streams.map((stream) => hear(stream)));
    for (const stream of streams) stream.end('x');
    assert.deepEqual(new Set((await all).map(({ status }) => status)), new Set([200]));
  });

  it('a service that asks its callers to come back elsewhere loses no request', async () => {
    const sessions = new Set<http2.ServerHttp2Session>();
    const leaving = http2.createServer();
    leaving.on('session', (each) => sessions.add(each));
    leaving.on('stream', (stream) => {
      stream.respond({ ':status': 200 });
      stream.end('here');
    });
    const way = await startRelay(await listening(leaving), 'h2');
    const client = http2.connect(`http://127.0.0.1:${way.port}`);
    for (let round = 0; round < 3; round += 1) {
      const { body } = await hear(client.request({ ':path': '/' }));
      assert.equal(body, 'here');
      for (const each of sessions) each.close();
    }
    client.destroy();
    way.close();
    leaving.close();
  });
});

describe('HTTP/2 to HTTP/1.1', () => {
  const app = http.createServer((request, response) => {
    request.on('error', () => undefined);
    if (request.url === '/half') {
      response.writeHead(200);
      response.write('half', () => request.socket.destroy());
      return;
    }
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      if (request.method === 'HEAD') return response.end();
      response.setHeader('trailer', 'x-sum');
      response.write(JSON.stringify({ body, cookie: request.headers.cookie, host: request.headers.host }));
      response.addTrailers({ 'x-sum': String(body.length) });
      return response.end();
    });
  });
  let relay: Relay;
  let session: http2.ClientHttp2Session;
  before(async () => {
    relay = await startRelay(await listening(app), 'http/1.1');
    session = http2.connect(`http://127.0.0.1:${relay.port}`);
  });
  after(() => {
    session.destroy();
    relay.close();
    app.close();
    app.closeAllConnections();
  });

  it('bodies, cookies in pieces, host and trailers', async () => {
    const stream = session.request({ ':path': '/', ':method': 'POST', ':authority': 'web', cookie: ['a=1', 'b=2'] });
    stream.end('lamp');
    const { status, body, trailers } = await hear(stream);
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(body), { body: 'lamp', cookie: 'a=1; b=2', host: 'web' });
    assert.equal(trailers['x-sum'], '4');
  });

  it('half an answer is not taken for the whole', async () => {
    const { error } = await hear(session.request({ ':path': '/half' }));
    assert.match(error, /INTERNAL_ERROR/);
  });

  it('HEAD has the headers of an answer, and no more', async () => {
    const { status, body, error } = await hear(session.request({ ':path': '/', ':method': 'HEAD' }));
    assert.deepEqual([status, body, error], [200, '', '']);
  });
});
