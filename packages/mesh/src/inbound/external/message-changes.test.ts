import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, RequestOptions, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { text } from 'node:stream/consumers';

import type { HeaderChange } from './answer.ts';
import { peekBody } from './request-body.ts';
import { changeQuery, changeRequestHeaders } from './request-changes.ts';
import { changeResponseHeaders } from './response-changes.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** A server for one exchange, and what its client got. */
async function exchange(
  handler: Handler,
  options: RequestOptions & { readonly body?: string | readonly string[] } = {},
): Promise<{
  rawHeaders: readonly string[];
  headers: IncomingMessage['headers'];
  status: number;
  message: string;
  body: string;
}> {
  const server = createServer((request, response) => {
    Promise.resolve(handler(request, response)).catch((error: unknown) => response.destroy(error as Error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const { body = '', ...rest } = options;
    const request = httpRequest({ port, host: '127.0.0.1', agent: false, ...rest });
    for (const part of typeof body === 'string' ? [body] : body) {
      if (part === '') continue;
      request.write(part);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const { rawHeaders, headers, statusCode = 0, statusMessage = '' } = response;
    return { rawHeaders, headers, status: statusCode, message: statusMessage, body: await text(response) };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const change = (action: HeaderChange['action'], name: string, value: string = ''): HeaderChange => ({
  action,
  name,
  value,
});

describe('headers of a request', () => {
  const cases: readonly { readonly changes: readonly HeaderChange[]; readonly became: string | undefined }[] = [
    { changes: [], became: 'one, two' },
    { changes: [change('set', 'x-user', 'ada')], became: 'ada' },
    { changes: [change('set', 'x-user', 'ada'), change('set', 'x-user', 'bob')], became: 'bob' },
    { changes: [change('append', 'x-user', 'ada')], became: 'one,two,ada' },
    { changes: [change('add-if-absent', 'x-user', 'ada')], became: 'one, two' },
    { changes: [change('set-if-present', 'x-user', 'ada')], became: 'ada' },
    { changes: [change('remove', 'x-user')], became: undefined },
    { changes: [change('remove', 'x-user'), change('add-if-absent', 'x-user', 'ada')], became: 'ada' },
    { changes: [change('remove', 'x-user'), change('append', 'x-user', 'ada')], became: undefined },
    { changes: [change('remove', 'x-user'), change('set-if-present', 'x-user', 'ada')], became: undefined },
    { changes: [change('set', 'x-user', 'ada'), change('remove', 'x-user')], became: undefined },
  ];
  for (const { changes, became } of cases) {
    it(`${changes.map(({ action, value }) => `${action} ${value}`).join(', ') || 'nothing'} → ${became}`, async () => {
      let seen: (string | undefined)[] = [];
      await exchange(
        (request, response) => {
          changeRequestHeaders(request, changes);
          const raw: string[] = [];
          for (let index = 0; index < request.rawHeaders.length; index += 2) {
            if (request.rawHeaders[index]?.toLowerCase() === 'x-user') raw.push(request.rawHeaders[index + 1] ?? '');
          }
          const values = [request.headers['x-user'], request.headersDistinct['x-user']?.join(', ')];
          seen = [...values.map((value) => value?.toString()), raw.length === 0 ? undefined : raw.join(', ')];
          response.end();
        },
        { headers: { 'X-User': ['one', 'two'] } },
      );
      assert.deepEqual(seen, [became, became, became]);
    });
  }
});

describe('query parameters', () => {
  const cases: readonly [
    target: string,
    set: readonly (readonly [string, string])[],
    remove: readonly string[],
    became: string,
  ][] = [
    ['/a', [], [], '/a'],
    ['/a?x=1', [['y', '2']], [], '/a?x=1&y=2'],
    ['/a?x=1&x=2&z', [['x', '3']], [], '/a?z&x=3'],
    ['/a?x=1&y=2', [], ['x'], '/a?y=2'],
    ['/a?x=1', [], ['x'], '/a'],
    ['/a', [['x', '1']], ['x'], '/a'],
    ['/a?x=1?2', [], ['y'], '/a?x=1?2'],
    ['/a?tok%65n=1&t%=2', [], ['token'], '/a?t%=2'],
    ['/a?tok%65n=1', [['token', '2']], [], '/a?token=2'],
  ];
  for (const [target, set, remove, became] of cases) {
    it(`${target} with ${JSON.stringify(set)} and without ${JSON.stringify(remove)} is ${became}`, () => {
      assert.equal(changeQuery(target, { set, remove }), became);
    });
  }
});

describe('headers of a response', () => {
  const changes = [
    change('add', 'set-cookie', 'mesh=1'),
    change('set', 'x-app', 'mesh'),
    change('add-if-absent', 'x-app', 'no'),
    change('add-if-absent', 'x-new', 'yes'),
    change('set-if-present', 'x-missing', 'no'),
    change('append', 'x-list', '2'),
    change('remove', 'x-powered-by'),
  ];
  const writers: readonly { readonly how: string; readonly write: (response: ServerResponse) => void }[] = [
    {
      how: 'setHeader',
      write: (response) => {
        response.statusCode = 201;
        response.setHeader('Set-Cookie', 'app=1');
        response.setHeader('X-App', 'app');
        response.setHeader('X-List', '1');
        response.setHeader('X-Powered-By', 'app');
        response.end('hello');
      },
    },
    {
      how: 'writeHead with an object',
      write: (response) => {
        response
          .writeHead(201, { 'Set-Cookie': 'app=1', 'X-App': 'app', 'x-list': 1, 'X-Powered-By': 'app' })
          .end('hello');
      },
    },
    {
      how: 'writeHead with a reason and an object over setHeader',
      write: (response) => {
        response.setHeader('x-app', 'before');
        response.setHeader('x-powered-by', 'app');
        response.writeHead(201, 'Made', { 'Set-Cookie': ['app=1'], 'X-App': 'app', 'x-list': '1' });
        response.end('hello');
      },
    },
    {
      how: 'writeHead with a list',
      write: (response) => {
        response.writeHead(201, ['Set-Cookie', 'app=1', 'X-App', 'app', 'X-List', '1', 'X-Powered-By', 'app']);
        response.end('hello');
      },
    },
    {
      how: 'write in pieces',
      write: (response) => {
        response.statusCode = 201;
        response.appendHeader('Set-Cookie', 'app=1');
        response.setHeader('X-App', 'app');
        response.setHeader('X-List', '1');
        response.write('hel');
        response.end('lo');
      },
    },
    {
      how: 'flushHeaders',
      write: (response) => {
        response.statusCode = 201;
        response.setHeaders(
          new Map([
            ['set-cookie', 'app=1'],
            ['x-app', 'app'],
            ['x-list', '1'],
          ]),
        );
        response.flushHeaders();
        response.end('hello');
      },
    },
  ];
  for (const { how, write } of writers) {
    it(`are changed when the application uses ${how}`, async () => {
      const { headers, status, body } = await exchange((_request, response) => {
        changeResponseHeaders(response, changes);
        write(response);
      });
      assert.equal(status, 201);
      assert.equal(body, 'hello');
      assert.deepEqual(headers['set-cookie'], ['app=1', 'mesh=1']);
      assert.equal(headers['x-app'], 'mesh');
      assert.equal(headers['x-new'], 'yes');
      assert.equal(headers['x-list'], '1,2');
      assert.equal(headers['x-missing'], undefined);
      assert.equal(headers['x-powered-by'], undefined);
    });
  }
});

describe('a body read ahead', () => {
  const readers: readonly { readonly how: string; readonly read: (request: IncomingMessage) => Promise<string> }[] = [
    { how: 'an async iterator', read: (request) => text(request) },
    {
      how: 'data events',
      read: async (request) => {
        let whole = '';
        request.setEncoding('utf8').on('data', (chunk: string) => (whole += chunk));
        await once(request, 'end');
        return whole;
      },
    },
    {
      how: 'readable events, later',
      read: async (request) => {
        await new Promise((resolve) => setTimeout(resolve, 10));
        let whole = '';
        request.on('readable', () => {
          for (;;) {
            const chunk = request.read() as Buffer | null;
            if (chunk === null) break;
            whole += chunk.toString();
          }
        });
        await once(request, 'end');
        return whole;
      },
    },
  ];
  const large = 'x'.repeat(300_000);
  const bodies: readonly {
    readonly what: string;
    readonly body: string | readonly string[];
    readonly limit: number;
    readonly seen: string;
    readonly complete: boolean;
  }[] = [
    { what: 'smaller than the limit', body: 'hello', limit: 10, seen: 'hello', complete: true },
    { what: 'as large as the limit', body: 'hello', limit: 5, seen: 'hello', complete: true },
    { what: 'larger than the limit', body: 'hello', limit: 4, seen: 'hell', complete: false },
    { what: 'in pieces', body: ['he', 'l', 'lo'], limit: 10, seen: 'hello', complete: true },
    { what: 'in pieces, larger than the limit', body: ['he', 'l', 'lo'], limit: 3, seen: 'hel', complete: false },
    { what: 'larger than any buffer', body: large, limit: 400_000, seen: large, complete: true },
    {
      what: 'larger than any buffer and the limit',
      body: large,
      limit: 200_000,
      seen: large.slice(0, 200_000),
      complete: false,
    },
  ];
  for (const { how, read } of readers) {
    for (const { what, body, limit, seen, complete } of bodies) {
      it(`${what} is whole for an application that uses ${how}`, async () => {
        const got = await exchange(
          async (request, response) => {
            const peeked = await peekBody(request, limit, new AbortController().signal);
            assert.equal(Buffer.from(peeked.bytes).toString(), seen);
            assert.equal(peeked.complete, complete);
            response.end(await read(request));
          },
          { method: 'POST', body },
        );
        assert.equal(got.body, typeof body === 'string' ? body : body.join(''));
      });
    }
  }

  it('fails when its caller goes away', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc');
    const [request] = (await once(server, 'request')) as [IncomingMessage];
    request.on('error', () => {});
    const peeked = peekBody(request, 10, new AbortController().signal);
    socket.destroy();
    await assert.rejects(peeked);
    server.close();
  });

  it('fails when nobody waits for it any more', async () => {
    const patience = new AbortController();
    await exchange(
      async (request, response) => {
        const peeked = peekBody(request, 100, patience.signal);
        patience.abort();
        await assert.rejects(peeked);
        response.end(await text(request));
      },
      { method: 'POST', body: ['a', 'b'] },
    );
  });
});
