import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { after, before, describe, it } from 'node:test';
import tls from 'node:tls';

import { ENFORCED_IN_PROCESS, SpiffeId } from '@rampart/core';
import { TestCa, until } from '@rampart/testkit';
import { FakeClock } from '@rampart/testkit/fake-clock';

import type { MeshEndpoint } from '../view/endpoint.ts';
import { MeshView } from '../view/mesh-view.ts';
import type { Target } from './outbound.ts';
import { Picker } from './pick.ts';
import { isUnreached, markUnproved, Unanswered } from './unanswered.ts';

const LOOK_AGAIN_MS = 5000;
const IDENTITY = 'spiffe://cluster.local/ns/default/sa/orders';
const NAMES = { namespace: 'default', name: 'orders', host: 'orders.default.svc' };

describe('an instance where nobody answers', () => {
  const clock = new FakeClock();
  let server: Server;
  let port: number;
  let ca: string;
  let secrets: { key: string; cert: string };

  before(async () => {
    const authority = await TestCa.create('cluster.local', Date.now());
    ca = authority.rootPem;
    const { keyPem: key, certPem: cert } = await authority.issue(Date.now(), {
      namespace: 'default',
      serviceAccount: 'orders',
    });
    secrets = { key, cert };
    server = tls.createServer(secrets);
    port = await listen(server, 0);
  });
  after(() => server.close());

  function target(protocol: MeshEndpoint['protocol']): Target {
    const address = `127.0.0.1:${port}`;
    const spiffeId = SpiffeId.of(IDENTITY);
    const endpoint = {
      instanceId: 'i',
      host: '127.0.0.1',
      port,
      protocol,
      spiffeId,
      identity: IDENTITY,
      labels: {},
      address,
    };
    return { service: { ...NAMES, endpoints: [endpoint] }, endpoint };
  }

  /** What a data plane does, in a mesh in which the instance is registered or not. */
  function open(known: Target | undefined): { unanswered: Unanswered; picker: Picker; dialled: () => number } {
    const view = new MeshView({ rootNamespace: 'istio-system', capabilities: ENFORCED_IN_PROCESS });
    const services = known === undefined ? [] : [known.service];
    view.apply({ revision: 1, reset: true, resources: [], services, revokedSerials: [] });
    const picker = new Picker(() => 0);
    let count = 0;
    const dial = (): tls.TLSSocket => {
      count += 1;
      return tls.connect({ host: '127.0.0.1', port, ca, checkServerIdentity: () => undefined });
    };
    return { unanswered: new Unanswered({ picker, view, clock, dial }), picker, dialled: () => count };
  }

  it('is readmitted once somebody answers again, which no request has to find out', async () => {
    const orders = target('http');
    const { unanswered, picker, dialled } = open(orders);
    server.close();
    unanswered.notice(orders);
    unanswered.notice(orders);
    await clock.advance(LOOK_AGAIN_MS);
    await until('the next look', () => dialled() === 1 && clock.pending === 1);
    assert.equal(picker.isAvoided(orders.endpoint), true);
    server = tls.createServer(secrets);
    await listen(server, port);
    await clock.advance(LOOK_AGAIN_MS);
    await until('it to be readmitted', () => !picker.isAvoided(orders.endpoint));
    assert.deepEqual([dialled(), clock.pending], [2, 0]);
  });

  for (const [name, protocol, registered] of [
    ['that is no longer registered', 'http', false],
    ['that speaks no HTTP', 'tcp', true],
  ] as const) {
    it(`${name} is not called without a reason`, async () => {
      const orders = target(protocol);
      const { unanswered, picker, dialled } = open(registered ? orders : undefined);
      unanswered.notice(orders);
      assert.equal(picker.isAvoided(orders.endpoint), true);
      await clock.advance(LOOK_AGAIN_MS);
      assert.equal(picker.isAvoided(orders.endpoint), false);
      assert.equal(dialled(), 0);
    });
  }

  it('shows by its error that nothing was sent', async () => {
    const socket = tls.connect({ host: '127.0.0.1', port: 1 });
    const [error] = (await once(socket, 'error')) as [Error];
    assert.equal(isUnreached(error), true);
    assert.equal(isUnreached(Object.assign(new Error('reset'), { syscall: 'read', code: 'ECONNRESET' })), false);
  });

  it('a peer that answers in plaintext has not been reached, one that turns the caller away has', async () => {
    const server = createServer((socket) => socket.end('220 ready\r\n'));
    const port = await listen(server, 0);
    const socket = tls.connect({ host: '127.0.0.1', port });
    const [error] = (await once(socket, 'error')) as [Error];
    markUnproved(error);
    assert.equal(isUnreached(error), true);
    const alert = Object.assign(new Error('revoked'), { code: 'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_REVOKED' });
    markUnproved(alert);
    assert.equal(isUnreached(alert), false);
    server.close();
  });
});

async function listen(server: Server, at: number): Promise<number> {
  await once(server.listen(at, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}
