import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { connect as connectTls, TLSSocket } from 'node:tls';

import { SpiffeId } from '@rampart/core';
import type { Target } from '@rampart/mesh';
import { settled, TestCa, until } from '@rampart/testkit';
import type { TestSvid } from '@rampart/testkit';
import { FakeClock } from '@rampart/testkit/fake-clock';

import { LINK_ALPN } from '../link/frame/format.ts';
import { LinkSession } from '../link/link-session.ts';
import { clock as realClock } from '../testing/real-clock.ts';
import { Instance } from './instance.ts';

/** More than a proxy takes before it has said how many it takes. */
const MANY = 400;

describe('the ways to an instance', () => {
  const clock = new FakeClock();
  const links: LinkSession[] = [];
  let svid: TestSvid;
  let server: Server;
  let serve: (socket: Socket) => void;
  let instance: Instance;
  let dialed: number;

  before(async () => {
    const ca = await TestCa.create('cluster.local', realClock.now());
    svid = await ca.issue(realClock.now(), { namespace: 'default', serviceAccount: 'orders' });
    server = createServer({ noDelay: true }, (socket) => {
      socket.on('error', () => {});
      serve(socket);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  beforeEach(() => {
    dialed = 0;
    serve = (socket) => {
      const secure = secured(socket);
      secure.once('secure', () => links.push(listener(secure)));
    };
    instance = new Instance(target(), { outbound: { dial }, clock, steady: clock, random: () => 0.5 });
  });
  after(() => {
    for (const link of links) link.destroy();
    server.close();
  });

  const secured = (socket: Socket): TLSSocket =>
    new TLSSocket(socket, { isServer: true, cert: svid.certPem, key: svid.keyPem, ALPNProtocols: [LINK_ALPN] }).on(
      'error',
      () => {},
    );

  const listener = (transport: TLSSocket): LinkSession =>
    new LinkSession({
      transport,
      role: 'listener',
      clock,
      random: () => 0.5,
      accept: (stream) => {
        stream.receive({
          data: (chunk) => stream.write(chunk),
          end: () => stream.end(),
          drain: () => {},
          close: () => {},
        });
        return undefined;
      },
    });

  const port = (): number => (server.address() as AddressInfo).port;

  function target(): Target {
    const spiffeId = SpiffeId.of('spiffe://cluster.local/ns/default/sa/orders');
    const endpoint = {
      instanceId: 'orders-1',
      host: '127.0.0.1',
      port: port(),
      protocol: 'http',
      spiffeId,
      identity: spiffeId.toString(),
      labels: {},
      address: `127.0.0.1:${port()}`,
    };
    return {
      endpoint,
      service: { namespace: 'default', name: 'orders', host: 'orders.default.svc', endpoints: [endpoint] },
    };
  }

  const dial = (_: Target, protocols: readonly string[] = []): TLSSocket => {
    dialed += 1;
    return connectTls({
      socket: connect(port(), '127.0.0.1'),
      ALPNProtocols: [...protocols],
      checkServerIdentity: () => undefined,
      // waiver: reject-unauthorized -- who answers is not what these tests are about
      rejectUnauthorized: false,
    });
  };

  it('carry as many streams as come before the other side has spoken', async () => {
    let [answered, failed] = [0, 0];
    for (let count = 0; count < MANY; count += 1) {
      const stream = instance.open('http/1.1');
      stream.receive({ data: () => (answered += 1), end: () => {}, drain: () => {}, close: () => (failed += 1) });
      stream.write(Buffer.from('hello'));
    }
    await until('all answers', () => answered + failed === MANY);
    assert.deepEqual([answered, failed, dialed, instance.links.size], [MANY, 0, 1, 1]);
    instance.close();
    await until('the end of the link', () => instance.links.size === 0);
  });

  it('are none where the other side leaves before it has spoken', async () => {
    serve = (socket) => {
      const secure = secured(socket);
      secure.once('secure', () => secure.destroy());
    };
    let failed = 0;
    for (let count = 0; count < MANY; count += 1)
      instance.open('http/1.1').receive({ data: () => {}, end: () => {}, drain: () => {}, close: () => (failed += 1) });
    await until('all to fail', () => failed === MANY);
    assert.equal(dialed, 1);
  });

  it('are given up where nobody finishes the handshake, as the system does where nobody answers', async () => {
    serve = () => {};
    const opening = settled(instance.connect('tcp', new AbortController().signal));
    await until('a connection', () => dialed === 1);
    await clock.advance(9_999);
    await clock.advance(1);
    const outcome = await opening;
    const error = 'error' in outcome ? (outcome.error as NodeJS.ErrnoException) : undefined;
    assert.deepEqual([error?.code, error?.syscall], ['ETIMEDOUT', 'connect']);
    assert.match(error?.message ?? '', /no handshake within 10 s$/);
  });
});
