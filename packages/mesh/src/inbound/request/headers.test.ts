import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { test } from 'node:test';

import { setMeshHeaders } from './forwarded-client-cert.ts';
import { headerValues } from './headers.ts';

/** A message as Node reads it from a socket. */
async function received(headers: readonly string[]): Promise<IncomingMessage> {
  const server = createServer((_, response) => response.end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write(['GET / HTTP/1.1', 'Host: a', ...headers, '', ''].join('\r\n'));
  const [request] = (await once(server, 'request')) as [IncomingMessage];
  socket.destroy();
  server.close();
  return request;
}

for (const name of ['__proto__', '__PROTO__']) {
  test(`a header named ${name} is a header like any other, beside one that is dropped`, async () => {
    const request = await received([`${name}: x`, 'X-Forwarded-Client-Cert: URI=spiffe://a', 'A: b', 'a: c']);
    setMeshHeaders(request, { requestId: 'r', clientCert: '' });
    assert.deepEqual(headerValues(request, '__proto__'), ['x']);
    assert.deepEqual(headerValues(request, 'a'), ['b', 'c']);
    assert.deepEqual(headerValues(request, 'x-forwarded-client-cert'), []);
    assert.deepEqual(headerValues(request, 'host'), ['a']);
  });
}

for (const name of ['__proto__', 'constructor', 'tostring', 'x']) {
  test(`a header named ${name} that nobody sent is not there`, async () => {
    assert.deepEqual(headerValues(await received([]), name), []);
  });
}

test('a client certificate that a caller names is dropped in every spelling that gateways make one of', async () => {
  const request = await received([
    'X_Forwarded-Client_Cert: a',
    'x_forwarded_client_cert: b',
    'X-Forwarded-Client-Cert: c',
  ]);
  setMeshHeaders(request, { requestId: '', clientCert: 'URI=spiffe://real' });
  const named = request.rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
  assert.deepEqual(
    named.filter((name) => name.includes('cert')),
    ['x-forwarded-client-cert'],
  );
  assert.equal(request.headers['x_forwarded_client_cert'], undefined);
  assert.equal(request.headers['x-forwarded-client-cert'], 'URI=spiffe://real');
});
