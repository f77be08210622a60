import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import type { ExtAuthzProvider } from '@rampart/core';

import type { Approval, AuthorizerAnswer } from '../external-authorizer.ts';
import { providerAt, startAsking } from '../testing/ask.ts';
import type { Asked, Asking } from '../testing/ask.ts';
import { HttpAuthorizer } from '../testing/http-authorizer.ts';

function approval(answer: AuthorizerAnswer): Approval {
  assert.equal(answer.kind, 'allowed', JSON.stringify(answer));
  return answer.approval;
}

describe('an HTTP authorizer', () => {
  let server: HttpAuthorizer;
  let asking: Asking;
  const ask = (asked?: Asked, settings?: Partial<ExtAuthzProvider>): Promise<AuthorizerAnswer> =>
    asking.ask(providerAt(server.port, settings), asked);

  before(async () => {
    server = await HttpAuthorizer.start();
    asking = startAsking();
  });
  afterEach(() => {
    server.decide = (_asked, response) => response.end();
  });
  after(async () => {
    asking.authorizer.close();
    await server.stop();
  });

  it('is sent Host, Authorization and Content-Length, and nothing else, without a list', async () => {
    const rawHeaders = [
      'Host',
      'orders-api',
      'Cookie',
      'a=b',
      'X-A',
      '1',
      'Content-Length',
      '7',
      'Authorization',
      'Basic x',
    ];
    approval(await ask({ method: 'DELETE', rawHeaders }));
    assert.deepEqual(server.last.rawHeaders, [
      'host',
      'orders-api',
      'authorization',
      'Basic x',
      'content-length',
      '0',
      'Connection',
      'keep-alive',
    ]);
    assert.equal(server.last.method, 'DELETE');
  });

  it('is sent the headers of its list, in any case: name, prefix* and *suffix', async () => {
    const rawHeaders = ['x-Exact', '1', 'X-Pre-One', '2', 'one-SUF', '3', 'x-other', '4', 'x-exact-not', '5'];
    approval(await ask({ rawHeaders }, { includeRequestHeadersInCheck: ['X-Exact', 'x-pre-*', '*-suf'] }));
    const { headers } = server.last;
    assert.deepEqual(
      [headers['x-exact'], headers['x-pre-one'], headers['one-suf'], headers['x-other'], headers['x-exact-not']],
      ['1', '2', '3', undefined, undefined],
    );
  });

  it('never gets hop-by-hop headers, whatever the list says', async () => {
    const rawHeaders = [
      'Connection',
      'close',
      'Transfer-Encoding',
      'chunked',
      'TE',
      'trailers',
      'Expect',
      '100-continue',
    ];
    rawHeaders.push('Upgrade', 'websocket', 'Keep-Alive', 'timeout=5', 'Trailer', 'x', 'Proxy-Connection', 'close');
    const includeRequestHeadersInCheck = ['c*', 't*', '*e', 'upgrade', 'p*', 'k*'];
    approval(await ask({ rawHeaders }, { includeRequestHeadersInCheck }));
    const names = server.last.rawHeaders.filter((_, index) => index % 2 === 0);
    assert.deepEqual(names, ['host', 'content-length', 'Connection']);
  });

  it('is asked below its path prefix', async () => {
    approval(await ask({ target: '/orders?x=1' }, { pathPrefix: '/check' }));
    assert.equal(server.last.url, '/check/orders?x=1');
  });

  it('gets the fixed headers of its provider instead of those of the caller', async () => {
    const rawHeaders = ['X-Zone', 'spoofed', 'x-zone', 'twice', 'authorization', 'theirs'];
    const includeAdditionalHeadersInCheck = { 'X-Zone': 'eu', Authorization: 'ours' };
    approval(await ask({ rawHeaders }, { includeRequestHeadersInCheck: ['x-zone'], includeAdditionalHeadersInCheck }));
    const { headers } = server.last;
    assert.equal(headers['x-zone'], 'eu');
    assert.equal(headers.authorization, 'ours');
  });

  for (const { status, kind } of [
    { status: 200, kind: 'allowed' },
    { status: 201, kind: 'denied' },
    { status: 204, kind: 'denied' },
    { status: 302, kind: 'denied' },
    { status: 403, kind: 'denied' },
    { status: 429, kind: 'denied' },
    { status: 500, kind: 'failed' },
    { status: 503, kind: 'failed' },
    { status: 599, kind: 'failed' },
  ]) {
    it(`${status} is ${kind}`, async () => {
      server.decide = (_asked, response) => response.writeHead(status).end();
      assert.equal((await ask()).kind, kind);
    });
  }

  const answerDeny = (): void => {
    server.decide = (_asked, response) => {
      response.setHeader('location', 'https://login.example/');
      response.setHeader('www-authenticate', 'Bearer');
      response.setHeader('set-cookie', ['a=1', 'b=2']);
      response.setHeader('x-why', 'no');
      response.setHeader('keep-alive', 'timeout=1');
      response.setHeader('date', 'x');
      response.writeHead(302).end('elsewhere');
    };
  };

  it('denies with all of its headers where the provider has no list, and without those of its connection', async () => {
    answerDeny();
    const answer = await ask();
    assert.ok(answer.kind === 'denied');
    assert.deepEqual(answer.headers, [
      ['location', 'https://login.example/'],
      ['www-authenticate', 'Bearer'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['x-why', 'no'],
      ['date', 'x'],
      ['content-type', 'text/plain'],
      ['content-length', '9'],
    ]);
  });

  it('denies with the headers of the list, and with where to go and how to log in', async () => {
    answerDeny();
    const answer = await ask({}, { headersToDownstreamOnDeny: ['Set-Cookie'] });
    assert.ok(answer.kind === 'denied');
    assert.deepEqual(
      answer.headers.map(([name]) => name),
      ['location', 'www-authenticate', 'set-cookie', 'set-cookie', 'content-type', 'content-length'],
    );
  });

  it('allows: listed headers overwrite those of the request and stand beside those of the response', async () => {
    server.decide = (_asked, response) => {
      response.setHeader('x-user', ['ada', 'bob']);
      response.setHeader('x-unlisted', '1');
      response.setHeader('set-cookie', ['a=1', 'b=2']);
      response.end();
    };
    const { request, response } = approval(
      await ask({}, { headersToUpstreamOnAllow: ['X-User'], headersToDownstreamOnAllow: ['set-*'] }),
    );
    assert.deepEqual(request, [
      { action: 'set', name: 'x-user', value: 'ada' },
      { action: 'set', name: 'x-user', value: 'bob' },
    ]);
    assert.deepEqual(response, [
      { action: 'add', name: 'set-cookie', value: 'a=1' },
      { action: 'add', name: 'set-cookie', value: 'b=2' },
    ]);
  });

  it('cannot change what the request is: framing, host and the proven identity', async () => {
    server.decide = (_asked, response) => {
      response.setHeader('host', 'admin-api');
      response.setHeader('x-forwarded-client-cert', 'URI=spiffe://cluster.local/ns/a/sa/admin');
      response.setHeader('x-envoy-auth-headers-to-remove', ':path, host,Content-Length , x-forwarded-client-cert,x-ok');
      response.end('body');
    };
    const { request } = approval(await ask({}, { headersToUpstreamOnAllow: ['host', 'x-forwarded-*', '*t', 'c*'] }));
    assert.deepEqual(request, [{ action: 'remove', name: 'x-ok', value: '' }]);
  });

  describe('speaks for the headers that it may set:', () => {
    const headersToUpstreamOnAllow = ['x-user', 'x-role-*', 'authorization', 'cookie'];
    const rawHeaders = [
      'X-User',
      'admin',
      'x-role-a',
      'root',
      'Authorization',
      'Bearer t',
      'Cookie',
      'a=1',
      'x-else',
      '1',
    ];
    const gone = [
      { action: 'remove', name: 'x-user', value: '' },
      { action: 'remove', name: 'x-role-a', value: '' },
      { action: 'remove', name: 'cookie', value: '' },
    ] as const;

    it('copies that the caller sent and it never saw are taken out', async () => {
      assert.deepEqual(approval(await ask({ rawHeaders }, { headersToUpstreamOnAllow })).request, gone);
    });

    it('what it sets comes after', async () => {
      server.decide = (_asked, response) => response.setHeader('x-user', 'ada').end();
      const { request } = approval(await ask({ rawHeaders }, { headersToUpstreamOnAllow }));
      assert.deepEqual(request, [...gone, { action: 'set', name: 'x-user', value: 'ada' }]);
    });

    it('copies that it was shown and let pass stay, as with Envoy', async () => {
      const includeRequestHeadersInCheck = ['cookie', 'x-user'];
      const { request } = approval(
        await ask({ rawHeaders }, { headersToUpstreamOnAllow, includeRequestHeadersInCheck }),
      );
      assert.deepEqual(request, [{ action: 'remove', name: 'x-role-a', value: '' }]);
    });

    it('nor do they pass where it could not be asked and the provider fails open', async () => {
      server.decide = (_asked, response) => response.writeHead(500).end();
      const { request, failedOpen } = approval(await ask({ rawHeaders }, { headersToUpstreamOnAllow, failOpen: true }));
      assert.match(failedOpen, /it answered 500/);
      assert.deepEqual(request, gone);
    });
  });

  it('is not asked about a connection that is not HTTP, nor about CONNECT', async () => {
    const asked = server.asked.length;
    for (const failOpen of [false, true]) {
      assert.equal((await ask({ tcp: true }, { failOpen })).kind, 'denied');
      assert.equal((await ask({ method: 'CONNECT', target: 'a:1' }, { failOpen })).kind, 'denied');
    }
    assert.equal(server.asked.length, asked);
  });

  for (const { what, asked } of [
    { what: 'a path with a line end', asked: { target: '/a\r\nx: y' } },
    { what: 'a path with a space', asked: { target: '/a b' } },
    { what: 'a method that is no token', asked: { method: 'GET /x' } },
    { what: 'a header value with a line end', asked: { rawHeaders: ['authorization', 'a\r\nb: c'] } },
    { what: 'a host with a line end', asked: { host: 'a\r\nb: c' } },
  ]) {
    it(`is not asked about ${what}, and failing open does not help`, async () => {
      const before = server.asked.length;
      const answer = await ask(asked, { failOpen: true });
      assert.ok(answer.kind === 'denied', JSON.stringify(answer));
      assert.match(answer.verdict.reason, /cannot be asked about this/);
      assert.equal(server.asked.length, before);
    });
  }

  it('sees a body of bytes that are no text unchanged', async () => {
    const includeRequestBodyInCheck = { maxRequestBytes: 100, allowPartialMessage: false, packAsBytes: false };
    approval(await ask({ method: 'POST', body: 'ÿþ' }, { includeRequestBodyInCheck }));
    assert.equal(server.last.body.toString(), 'ÿþ');
    assert.equal(server.last.headers['content-length'], '4');
  });
});
