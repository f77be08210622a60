import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createSystemClock } from '../../clock.ts';
import { Metrics } from '../../metrics.ts';
import { createSystemRandom } from '../../random.ts';
import { freePort, type OutsideProcess, startOutside } from '../../testing/outside-process.ts';
import { programMissing } from '../../testing/outside-program.ts';
import { OPERATOR, openTestRegistry, type TestRegistry } from '../../testing/test-registry.ts';
import { until } from '../../testing/test-plane.ts';
import { KeyIndex } from '../instances/key-index.ts';
import { nodeKeys } from '../instances/node-name.ts';
import { type Dns, openDns } from './open-dns.ts';

const missing = programMissing('haproxy', 'haproxy');

describe('HAProxy with resolvers and SRV', { skip: missing }, () => {
  const servers: Server[] = [];
  let ground: TestRegistry;
  let dns: Dns;
  let folder: string;
  let haproxy: OutsideProcess;
  let address: string;

  /** A service that says who it is, registered as that. */
  const serve = async (name: string): Promise<void> => {
    const server = createServer((_request, response) => response.end(name)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.push(server);
    await ground.register(name, { host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  };

  /** Who answers ten calls; "" for nobody. */
  const answering = async (): Promise<string> => {
    const names = new Set<string>();
    for (let call = 0; call < 10; call += 1) {
      const answer = await fetch(address).catch(() => undefined);
      if (answer?.ok === true) names.add(await answer.text());
    }
    return [...names].toSorted().join(' ');
  };

  before(async () => {
    ground = await openTestRegistry();
    const clock = createSystemClock();
    dns = await openDns({ host: '127.0.0.1', port: 0, clock, random: createSystemRandom(), metrics: new Metrics() });
    const { discovery } = ground.registry;
    dns.serve({ discovery, nodes: new KeyIndex({ discovery, keysOf: nodeKeys }), mayRead: () => true });
    folder = await mkdtemp(join(tmpdir(), 'rampart-haproxy-'));
    const port = await freePort();
    address = `http://127.0.0.1:${port}/`;
    await serve('shop-1');
    await writeFile(
      join(folder, 'haproxy.cfg'),
      `defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
resolvers mesh
  nameserver rampart 127.0.0.1:${dns.port}
  accepted_payload_size 1232
  timeout resolve 100ms
  timeout retry 100ms
  hold valid 100ms
  hold obsolete 100ms
frontend in
  bind 127.0.0.1:${port}
  default_backend shop
backend shop
  server-template shop 5 _shop._tcp.service.consul resolvers mesh init-addr none
`,
    );
    haproxy = startOutside('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')]);
  });

  after(async () => {
    await haproxy.stop();
    for (const server of servers) server.close();
    await dns.close();
    await ground.registry.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('follows the instances of a service', async () => {
    await until('the first instance is found', async () => (await answering()) === 'shop-1', 15_000);
    await serve('shop-2');
    await until('the second one is found', async () => (await answering()) === 'shop-1 shop-2', 15_000);
    await ground.registry.drain(OPERATOR, 'shop-1', { draining: true });
    await until('what is draining gets nothing', async () => (await answering()) === 'shop-2', 15_000);
    assert.equal(await answering(), 'shop-2');
  });
});
