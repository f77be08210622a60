import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { ENFORCED_IN_PROCESS, parseResource } from '@rampart/core';
import { until } from '@rampart/testkit';
import { FakeClock } from '@rampart/testkit/fake-clock';

import { SvidSource } from '../../identity/svid-source.ts';
import { MeshView } from '../../view/mesh-view.ts';
import { Gate } from '../gate.ts';
import type { ClientEnd, InboundConnection } from '../connection.ts';
import type { Refusal } from '../gate.ts';

const log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };

describe('limits of connections', () => {
  const clock = new FakeClock(1_000_000);
  const view = new MeshView({ rootNamespace: 'istio-system', capabilities: ENFORCED_IN_PROCESS });
  const accepted: InboundConnection[] = [];
  const refused: Refusal[] = [];
  const clients: Socket[] = [];
  let server: Server;
  let gate: Gate;
  let revision = 0;
  let announced: ClientEnd | undefined;

  function apply(...connections: object[]): void {
    revision += 1;
    const parsed = parseResource({
      apiVersion: 'rampart.dev/v1',
      kind: 'RateLimit',
      metadata: { name: 'sources', namespace: 'shop' },
      spec: { connections },
    });
    assert.ok(parsed.ok, JSON.stringify(parsed));
    const resources = connections.length === 0 ? [] : [['RateLimit/shop/sources', parsed.value] as const];
    view.apply({ revision, reset: true, resources, services: [], revokedSerials: [] });
  }

  before(async () => {
    const never = new Promise<never>(() => undefined);
    const issuer = { attest: () => never, renew: () => never };
    const identity = new SvidSource({ issuer, clock, random: () => 0.5, log });
    view.setWorkload({ namespace: 'shop', serviceAccount: 'orders', labels: {} }, 'cluster.local');
    apply();
    server = createServer((socket) => gate.enter(socket, announced)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    gate = new Gate({
      view,
      identity,
      clock,
      port: 80,
      accept: (connection) => {
        accepted.push(connection);
        connection.socket.on('error', () => undefined).resume();
        connection.socket.write('welcome');
      },
      refuse: (refusal) => refused.push(refusal),
    });
  });
  after(() => {
    gate.close();
    for (const client of clients) client.destroy();
    server.close();
  });

  function attempt(): Promise<'welcome' | 'closed'> {
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1', () => client.write('GET /'));
    clients.push(client);
    client.on('error', () => undefined);
    return new Promise((resolve) => {
      client.once('data', () => resolve('welcome'));
      client.once('close', () => resolve('closed'));
    });
  }

  async function closeOne(): Promise<void> {
    const open = accepted.length;
    clients.shift()?.destroy();
    await until('the connection to be closed', () => accepted.filter(({ socket }) => !socket.closed).length < open);
    for (const [index, { socket }] of accepted.entries()) if (socket.closed) accepted.splice(index, 1);
  }

  it('are about those that were open before, too', async () => {
    assert.equal(await attempt(), 'welcome');
    const [silent, entered] = [
      connect((server.address() as AddressInfo).port, '127.0.0.1'),
      once(server, 'connection'),
    ];
    const [underWay] = (await entered) as [Socket];
    apply({ per: 'source.ip', max: 2 });
    assert.equal(await attempt(), 'closed', 'one that has said nothing yet counts as well');
    clients.pop();
    silent.destroy();
    await once(underWay, 'close');
    assert.equal(await attempt(), 'welcome');
    assert.equal(await attempt(), 'closed');
    clients.pop();
  });

  it('tell of a flood once in a while', async () => {
    assert.match(
      refused.at(-1)?.reason ?? '',
      /RateLimit shop\/sources: 127.0.0.1 has 2 connections open, and 2 are the most/,
    );
    assert.equal(refused.length, 1);
    assert.equal(await attempt(), 'closed');
    clients.pop();
    assert.equal(refused.length, 1);
    await clock.advance(10_000);
    assert.equal(await attempt(), 'closed');
    clients.pop();
    assert.equal(refused.length, 2);
  });

  it('let one in when another is closed', async () => {
    await closeOne();
    assert.equal(await attempt(), 'welcome');
    assert.equal(await attempt(), 'closed');
    clients.pop();
  });

  it('close nothing that is open when they get narrower', async () => {
    apply({ per: 'source.ip', max: 1 });
    await closeOne();
    assert.equal(accepted.length, 1);
    assert.equal(await attempt(), 'closed');
  });

  it('know an IPv4 address that a load balancer has written as one of IPv6', async () => {
    announced = { address: '::ffff:203.0.113.9', port: 1 };
    assert.equal(await attempt(), 'welcome');
    announced = { address: '203.0.113.9', port: 2 };
    assert.equal(await attempt(), 'closed');
    assert.match(refused.at(-1)?.reason ?? '', /: 203\.0\.113\.9 has 1 connections/);
    assert.equal(accepted.at(-1)?.attributes.clientIp, '203.0.113.9');
  });
});
