import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { toJson } from '@bufbuild/protobuf';
import { AttributeContextSchema } from '@rampart/wire/ext-authz-service';
import type { ExtAuthzProvider } from '@rampart/core';

import type { HeaderChange } from '../answer.ts';
import type { Approval, AuthorizerAnswer } from '../external-authorizer.ts';
import { providerAt, startAsking } from '../testing/ask.ts';
import type { Asked, Asking } from '../testing/ask.ts';
import { GrpcAuthorizer } from '../testing/grpc-authorizer.ts';

function approval(answer: AuthorizerAnswer): Approval {
  assert.equal(answer.kind, 'allowed', JSON.stringify(answer));
  return answer.approval;
}

describe('a gRPC authorizer', () => {
  let server: GrpcAuthorizer;
  let asking: Asking;
  const ask = (asked?: Asked, settings?: Partial<ExtAuthzProvider>): Promise<AuthorizerAnswer> =>
    asking.ask(providerAt(server.port, { transport: 'grpc', ...settings }), asked);
  const allowWith = (value: object): void => {
    server.decide = () => ({ httpResponse: { case: 'okResponse', value } });
  };

  before(async () => {
    server = await GrpcAuthorizer.start();
    asking = startAsking();
  });
  afterEach(() => {
    server.decide = () => ({});
  });
  after(async () => {
    asking.authorizer.close();
    await server.stop();
  });

  it('is told who calls whom, and all of the request, as Envoy tells it', async () => {
    const rawHeaders = [
      'Host',
      'orders-api:8080',
      'Cookie',
      'a=1',
      'cookie',
      'b=2',
      'X-A',
      '1',
      'x-a',
      '2',
      'Connection',
      'close',
    ];
    approval(await ask({ method: 'POST', target: '/orders?limit=2', host: 'orders-api:8080', rawHeaders }));
    const { attributes } = server.last;
    assert.ok(attributes !== undefined);
    assert.deepEqual(toJson(AttributeContextSchema, attributes), {
      source: {
        address: { socketAddress: { address: '10.0.0.7', portValue: 41_000 } },
        principal: 'spiffe://cluster.local/ns/web/sa/frontend',
      },
      destination: {
        address: { socketAddress: { address: '10.0.0.9', portValue: 8080 } },
        principal: 'spiffe://cluster.local/ns/default/sa/orders-api',
      },
      request: {
        time: '2026-09-21T14:13:20.123Z',
        http: {
          id: '7e6a1c1e-0f3d-4f7e-9a53-5b2f0d9a1b2c',
          method: 'POST',
          headers: {
            ':authority': 'orders-api:8080',
            ':method': 'POST',
            ':path': '/orders?limit=2',
            ':scheme': 'http',
            cookie: 'a=1; b=2',
            'x-a': '1,2',
          },
          path: '/orders?limit=2',
          host: 'orders-api:8080',
          scheme: 'http',
          protocol: 'HTTP/1.1',
        },
      },
    });
  });

  it('is told of a connection that is not HTTP by its ends alone', async () => {
    approval(await ask({ tcp: true }));
    const { attributes } = server.last;
    assert.equal(attributes?.source?.principal, 'spiffe://cluster.local/ns/web/sa/frontend');
    assert.equal(attributes.request, undefined);
  });

  it('gets text for headers whose bytes are no UTF-8', async () => {
    approval(await ask({ rawHeaders: ['x-name', Buffer.from('Ada ♥').toString('latin1'), 'x-bytes', 'a\u00ffb'] }));
    const headers = server.last.attributes?.request?.http?.headers;
    assert.equal(headers?.['x-name'], 'Ada ♥');
    assert.equal(headers['x-bytes'], 'a!b');
  });

  it('gets bodies as text or, where its provider packs them, as bytes', async () => {
    const includeRequestBodyInCheck = { maxRequestBytes: 100, allowPartialMessage: false, packAsBytes: true };
    approval(await ask({ method: 'POST', body: 'hello' }, { includeRequestBodyInCheck }));
    const http = server.last.attributes?.request?.http;
    assert.equal(http?.body, '');
    assert.equal(Buffer.from(http.rawBody).toString(), 'hello');
    assert.equal(http.size, 5n);
  });

  it('cannot be made to believe a header that only we send', async () => {
    approval(await ask({ rawHeaders: ['x-envoy-auth-partial-body', 'false'] }));
    assert.equal(server.last.attributes?.request?.http?.headers['x-envoy-auth-partial-body'], undefined);
  });

  const header = { key: 'X-User', value: 'ada' };
  const actions: readonly {
    readonly option: object;
    readonly action: HeaderChange['action'];
    readonly onResponse: HeaderChange['action'];
  }[] = [
    { option: {}, action: 'set', onResponse: 'add' },
    { option: { append: false }, action: 'set', onResponse: 'set' },
    { option: { append: true }, action: 'append', onResponse: 'add' },
    { option: { appendAction: 1 }, action: 'add-if-absent', onResponse: 'add-if-absent' },
    { option: { appendAction: 2 }, action: 'set', onResponse: 'set' },
    { option: { appendAction: 3 }, action: 'set-if-present', onResponse: 'set-if-present' },
    { option: { append: true, appendAction: 2 }, action: 'append', onResponse: 'add' },
    { option: { appendAction: 99 }, action: 'set', onResponse: 'set' },
  ];
  for (const { option, action, onResponse } of actions) {
    it(`${JSON.stringify(option)} is ${action} on the request and ${onResponse} on the response`, async () => {
      allowWith({ headers: [{ header, ...option }], responseHeadersToAdd: [{ header, ...option }] });
      const { request, response } = approval(await ask());
      assert.deepEqual(request, [{ action, name: 'x-user', value: 'ada' }]);
      assert.deepEqual(response, [{ action: onResponse, name: 'x-user', value: 'ada' }]);
    });
  }

  it('cannot change what the request is: method, path, host, framing and the proven identity', async () => {
    const names = [
      ':path',
      ':method',
      ':authority',
      'Host',
      'Content-Length',
      'transfer-encoding',
      'x-forwarded-client-cert',
    ];
    allowWith({
      headers: names.filter((key) => !key.startsWith(':')).map((key) => ({ header: { key, value: '1' } })),
      headersToRemove: [...names, 'not a name', 'x-ok'],
    });
    const { request } = approval(await ask());
    assert.deepEqual(request, [{ action: 'remove', name: 'x-ok', value: '' }]);
  });

  for (const bad of [
    { key: 'x-split', value: 'a\r\nx-admin: 1' },
    { key: 'x-null', value: 'a\0' },
    { key: 'x y', value: '1' },
    { key: 'x:y', value: '1' },
    { key: '', value: '1' },
  ]) {
    it(`a header ${JSON.stringify(bad)} makes an allowing answer a failure, and is left out of a denial`, async () => {
      for (const field of ['headers', 'responseHeadersToAdd']) {
        allowWith({ [field]: [{ header: bad }] });
        const answer = await ask();
        assert.ok(answer.kind === 'failed');
        assert.match(answer.verdict.reason, /none that can be sent/);
      }
      const good = { header: { key: 'x-good', value: '1' } };
      server.decide = () => ({
        status: { code: 7 },
        httpResponse: { case: 'deniedResponse', value: { headers: [{ header: bad }, good] } },
      });
      const answer = await ask();
      assert.ok(answer.kind === 'denied');
      assert.deepEqual(answer.headers, [
        ['x-good', '1'],
        ['content-length', '0'],
      ]);
    });
  }

  it('sets and removes query parameters, which have to be encoded', async () => {
    allowWith({ queryParametersToSet: [{ key: 'tenant', value: 'a%20b' }], queryParametersToRemove: ['token'] });
    assert.deepEqual(approval(await ask()).query, { set: [['tenant', 'a%20b']], remove: ['token'] });
    for (const bad of ['a&admin=1', 'a#b', 'a b', 'a\r\n']) {
      allowWith({ queryParametersToSet: [{ key: 'tenant', value: bad }] });
      assert.equal((await ask()).kind, 'failed');
    }
  });

  it('denies with 403 where it does not say how, or says it impossibly', async () => {
    for (const code of [0, 99, 600, -1, 2_000_000_000]) {
      server.decide = () => ({
        status: { code: 16 },
        httpResponse: { case: 'deniedResponse', value: { status: { code } } },
      });
      const answer = await ask();
      assert.ok(answer.kind === 'denied');
      assert.equal(answer.status, 403);
    }
    server.decide = () => ({ status: { code: 7 } });
    assert.equal((await ask()).kind, 'denied');
  });

  it('denies by its status, whatever else it sends with it', async () => {
    server.decide = () => ({ status: { code: 7 }, httpResponse: { case: 'okResponse', value: {} } });
    assert.equal((await ask()).kind, 'denied');
  });

  it('allows by its status, whatever else it sends with it', async () => {
    server.decide = () => ({ status: { code: 0 }, httpResponse: { case: 'deniedResponse', value: { body: 'no' } } });
    assert.deepEqual(approval(await ask()).request, []);
  });

  it('may say that it could not decide', async () => {
    server.decide = () => ({
      status: { code: 13, message: 'database away' },
      httpResponse: { case: 'errorResponse', value: { status: { code: 500 } } },
    });
    const answer = await ask({}, { statusOnError: 503 });
    assert.ok(answer.kind === 'failed');
    assert.equal(answer.status, 503);
    assert.match(answer.verdict.reason, /it could not decide: code 13, database away/);
  });

  it('sets several headers of one name in a denial', async () => {
    const headers = ['a=1', 'b=2'].map((value) => ({ header: { key: 'Set-Cookie', value } }));
    server.decide = () => ({
      status: { code: 7 },
      httpResponse: { case: 'deniedResponse', value: { headers, body: 'né' } },
    });
    const answer = await ask();
    assert.ok(answer.kind === 'denied');
    assert.deepEqual(answer.headers, [
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['content-type', 'text/plain'],
      ['content-length', '3'],
    ]);
  });
});
