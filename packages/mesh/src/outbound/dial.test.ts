import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createDoor } from 'node:net';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { describe, it } from 'node:test';
import { createServer } from 'node:tls';
import type { TLSSocket } from 'node:tls';

import { RampartError, SpiffeId, TrustDomain } from '@rampart/core';
import { settled, TestCa } from '@rampart/testkit';
import type { TestSvid } from '@rampart/testkit';

import { brokenTls } from '../identity/broken-tls.ts';
import { createSvid } from '../identity/svid.ts';
import { abortConnection } from '../inbound/abort-connection.ts';
import { dial } from './dial.ts';

const HOUR = 3_600_000;
const now = (): number => Date.now();
const REQUEST = 'GET /secret HTTP/1.1\r\nhost: orders-api\r\nauthorization: Bearer s3cret\r\n\r\n';

interface Call {
  readonly ca: TestCa;
  readonly answering: TestSvid;
  readonly expected: string;
  readonly revoked?: string;
}

/** Dials a server that answers with `answering`, expecting `expected`; tells what the server read. */
async function call({
  ca,
  answering,
  expected,
  revoked = '',
}: Call): Promise<{ read: string; outcome: { value: unknown } | { error: Error } }> {
  let read = '';
  const server = createServer(
    { cert: answering.certPem, key: answering.keyPem, ca: ca.rootPem, requestCert: true, minVersion: 'TLSv1.3' },
    (socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        read += chunk.toString();
        socket.end('done');
      });
    },
  );
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = await dialTo(server, { ca, expected, revoked });
  // Written at once, as HTTP clients do, before anybody has proved anything.
  socket.write(REQUEST);
  const outcome = await settled(once(socket, 'data'));
  socket.destroy();
  server.close();
  await once(server, 'close');
  return { read, outcome };
}

/** As users-api, with a certificate of `ca`. */
async function dialTo(
  server: NetServer,
  { ca, expected, revoked = '', protocol = 'http' }: Omit<Call, 'answering'> & { readonly protocol?: string },
): Promise<TLSSocket> {
  const caller = await ca.issue(now(), { namespace: 'default', serviceAccount: 'users-api' });
  const svid = createSvid({
    ...caller,
    chain: [caller.der],
    bundle: { trustDomain: TrustDomain.of('cluster.local'), roots: [ca.rootDer], jwtAuthorities: [], sequence: 1 },
  });
  const { port } = server.address() as AddressInfo;
  const endpoint = {
    instanceId: 'i',
    host: '127.0.0.1',
    port,
    protocol,
    spiffeId: SpiffeId.of(expected),
    identity: expected,
    labels: {},
    address: `127.0.0.1:${port}`,
  };
  const service = { namespace: 'default', name: 'orders-api', host: 'orders-api.default.svc', endpoints: [endpoint] };
  return dial({
    service,
    endpoint,
    svid,
    revocationOf: ({ serial }) => (serial === revoked ? 'revoked' : undefined),
    now,
  });
}

describe('dial', () => {
  const orders = 'spiffe://cluster.local/ns/default/sa/orders-api';

  it('sends to the identity that the registry names', async () => {
    const ca = await TestCa.create('cluster.local', now());
    const { read } = await call({
      ca,
      answering: await ca.issue(now(), { namespace: 'default', serviceAccount: 'orders-api' }),
      expected: orders,
    });
    assert.equal(read, REQUEST);
  });

  it('sends not one byte to another workload of the same mesh', async () => {
    const ca = await TestCa.create('cluster.local', now());
    const { read, outcome } = await call({
      ca,
      answering: await ca.issue(now(), { namespace: 'default', serviceAccount: 'thief' }),
      expected: orders,
    });
    assert.equal(read, '');
    assert.ok('error' in outcome);
    assert.match(outcome.error.message, /sa\/thief but the registry names .*sa\/orders-api/);
  });

  it('sends not one byte to a revoked certificate', async () => {
    const ca = await TestCa.create('cluster.local', now());
    const answering = await ca.issue(now(), { namespace: 'default', serviceAccount: 'orders-api' });
    const { read, outcome } = await call({ ca, answering, expected: orders, revoked: answering.serial });
    assert.equal(read, '');
    assert.ok('error' in outcome);
    assert.match(outcome.error.message, /revoked/);
  });

  it('sends not one byte to a certificate of another root', async () => {
    const ca = await TestCa.create('cluster.local', now());
    const other = await TestCa.create('cluster.local', now());
    const { read, outcome } = await call({
      ca,
      answering: await other.issue(now(), { namespace: 'default', serviceAccount: 'orders-api' }),
      expected: orders,
    });
    assert.equal(read, '');
    assert.ok('error' in outcome && outcome.error instanceof RampartError);
    assert.equal(outcome.error.code, 'INVALID_CERTIFICATE');
    assert.match(
      outcome.error.message,
      /^127\.0\.0\.1:\d+, an instance of orders-api\.default\.svc, answered with a bad certificate: no authority of this trust domain has issued it; the call was not sent$/,
    );
  });

  for (const [what, from, to, said] of [
    ['has ended', -2 * HOUR, -HOUR, 'has expired'],
    ['has not begun', HOUR, 2 * HOUR, 'is not valid yet'],
  ] as const) {
    it(`sends not one byte to a certificate that ${what}, and names the clock`, async () => {
      const ca = await TestCa.create('cluster.local', now());
      const validity = { notBefore: now() + from, notAfter: now() + to };
      const answering = await ca.issue(now(), { namespace: 'default', serviceAccount: 'orders-api', ...validity });
      const { read, outcome } = await call({ ca, answering, expected: orders });
      assert.equal(read, '');
      assert.ok('error' in outcome && outcome.error instanceof RampartError);
      assert.match(outcome.error.message, new RegExp(`bad certificate: it ${said} by the clock of this host`));
    });
  }

  it('closes a connection on which something comes that is no TLS', async () => {
    const ca = await TestCa.create('cluster.local', now());
    const answering = await ca.issue(now(), { namespace: 'default', serviceAccount: 'orders-api' });
    const server = createServer({ cert: answering.certPem, key: answering.keyPem, minVersion: 'TLSv1.3' });
    const door = createDoor((below) => {
      server.emit('connection', below);
      server.once('secureConnection', (peer) => {
        peer.on('error', () => {}).resume();
        below.write('HTTP/1.1 200 OK\r\n\r\n');
      });
    });
    door.listen(0, '127.0.0.1');
    await once(door, 'listening');
    const socket = await dialTo(door, { ca, expected: orders });
    const reasons: string[] = [];
    socket.on('error', (error: Error) => reasons.push(brokenTls(error) ?? error.message));
    await new Promise((resolve) => void socket.once('close', resolve));
    assert.deepEqual(reasons, ['TLS was broken: bad record type']);
    door.close();
  });

  for (const protocol of ['http', 'tcp']) {
    it(`makes connections that can be broken off: the peer does not take half of it for the whole (${protocol})`, async () => {
      const ca = await TestCa.create('cluster.local', now());
      const answering = await ca.issue(now(), { namespace: 'default', serviceAccount: 'orders-api' });
      const events: string[] = [];
      const server = createServer({ cert: answering.certPem, key: answering.keyPem, minVersion: 'TLSv1.3' });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const socket = await dialTo(server, { ca, expected: orders, protocol });
      socket.write('half');
      const [peer] = (await once(server, 'secureConnection')) as [TLSSocket];
      peer.on('error', ({ code }: NodeJS.ErrnoException) => events.push(String(code)));
      peer.on('end', () => events.push('end'));
      peer.resume().write('heard');
      await once(socket, 'data');
      const closed = settled(once(peer, 'close'));
      abortConnection(socket);
      await closed;
      assert.deepEqual(events, ['ECONNRESET']);
      server.close();
    });
  }
});
