import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import type { Socket as UdpSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';

import { ENFORCED_IN_PROCESS } from '@rampart/core';
import { MeshView } from '@rampart/mesh';
import type { MeshService } from '@rampart/mesh';
import { settled, until } from '@rampart/testkit';
import { FakeClock } from '@rampart/testkit/fake-clock';
import { encodeResponse, firstMessage, framed, parseQuery, RCODE, refusal } from '@rampart/wire/dns';

import { clock as realClock } from '../../testing/real-clock.ts';
import { Talker } from '../../testing/servers.ts';
import { openNameServer } from './name-server.ts';
import type { NameServer } from './name-server.ts';
import { parseUpstream } from './upstream.ts';

const service = (name: string, namespace = 'default'): MeshService => ({
  name,
  namespace,
  host: `${name}.${namespace}.svc`,
  endpoints: [],
});

/** Answers whatever it is asked with 192.0.2.53; over UDP it can say that it has no room. */
class OtherResolver {
  asked = 0;
  isTruncating = false;
  readonly #udp: UdpSocket = createSocket('udp4');
  readonly #tcp: Server = createServer((socket) => {
    socket.on('data', (chunk: Buffer) => {
      const query = firstMessage(chunk, 4096);
      if (query instanceof Uint8Array) socket.write(framed(this.#answer(query, false)));
    });
  });

  async start(): Promise<number> {
    this.#udp.on('message', (query, { port, address }) => {
      this.asked += 1;
      this.#udp.send(this.#answer(query, this.isTruncating), port, address);
    });
    this.#udp.bind(0, '127.0.0.1');
    await once(this.#udp, 'listening');
    const { port } = this.#udp.address();
    this.#tcp.listen(port, '127.0.0.1');
    await once(this.#tcp, 'listening');
    return port;
  }

  stop(): void {
    this.#udp.close();
    this.#tcp.close();
  }

  #answer(packet: Uint8Array, isTruncated: boolean): Uint8Array {
    const parsed = parseQuery(packet);
    assert.equal(parsed.kind, 'query');
    if (parsed.kind !== 'query') return packet;
    const { id, question } = parsed.query;
    const envelope = { id, recursionDesired: true, recursionAvailable: true, question, edns: undefined };
    const owner = undefined;
    const address = { owner, ttl: 60, data: { type: 'A', address: '192.0.2.53' } } as const;
    const limit = isTruncated ? 12 + question.bytes.length : 512;
    return encodeResponse({ ...envelope, limit }, { ...refusal(RCODE.NOERROR), answers: [address] });
  }
}

describe('the DNS of a sidecar', () => {
  const view = new MeshView({ rootNamespace: 'istio-system', capabilities: ENFORCED_IN_PROCESS });
  const clock = new FakeClock();
  const other = new OtherResolver();
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  let held: string[];
  let server: NameServer;
  let alone: NameServer;
  let canListen: boolean;

  const names = {
    view,
    namespace: () => 'default',
    hold: (each: MeshService) => {
      held.push(each.host);
      return Promise.resolve(canListen ? '127.64.1.2' : undefined);
    },
    nameAt: (address: string) => (address === '127.64.1.2' ? 'db.default.svc' : undefined),
  };

  before(async () => {
    view.setWorkload({ namespace: 'default', serviceAccount: 'web', labels: {} }, 'cluster.local');
    const services = [service('db'), service('db', 'prod')];
    view.apply({ revision: 1, reset: true, resources: [], services, revokedSerials: [] });
    const forwardTo = [{ host: '127.0.0.1', port: await other.start() }];
    server = await openNameServer({ ...names, port: 0, forwardTo, clock: realClock });
    alone = await openNameServer({ ...names, port: 0, forwardTo: [], clock });
    resolver.setServers([`127.0.0.1:${server.port}`]);
  });
  beforeEach(() => {
    [held, canListen, other.asked, other.isTruncating] = [[], true, 0, false];
  });
  after(async () => {
    await Promise.all([server.close(), alone.close()]);
    other.stop();
  });

  for (const [name, host] of [
    ['db', 'db.default.svc'],
    ['DB', 'db.default.svc'],
    ['db.prod', 'db.prod.svc'],
    ['db.prod.svc', 'db.prod.svc'],
    ['db.prod.svc.cluster.local', 'db.prod.svc'],
  ] as const) {
    it(`${name} is the address at which the sidecar listens for ${host}`, async () => {
      assert.deepEqual(await resolver.resolve4(name, { ttl: true }), [{ address: '127.64.1.2', ttl: 5 }]);
      assert.deepEqual([held, other.asked], [[host], 0]);
    });
  }

  const failures: readonly [rule: string, ask: () => Promise<unknown>, code: string][] = [
    ['a service has no IPv6 address', () => resolver.resolve6('db'), 'ENODATA'],
    ['nor mail', () => resolver.resolveMx('db'), 'ENODATA'],
    ['an unknown service is nowhere', () => resolver.resolve4('nobody.default.svc'), 'ENOTFOUND'],
    ['an address of the range that stands for nothing has no name', () => resolver.reverse('127.64.9.9'), 'ENOTFOUND'],
  ];
  for (const [rule, ask, code] of failures) {
    it(`${rule}, and nobody else is asked`, async () => {
      const outcome = await settled(ask());
      assert.equal('error' in outcome && (outcome.error as Error & { code?: string }).code, code);
      assert.deepEqual([held, other.asked], [[], 0]);
    });
  }

  it('a service that cannot be listened for is a failure, not another address', async () => {
    canListen = false;
    const outcome = await settled(resolver.resolve4('db'));
    assert.equal('error' in outcome && (outcome.error as Error & { code?: string }).code, 'ESERVFAIL');
    assert.equal(other.asked, 0);
  });

  it('an address of the range has the name of its service', async () => {
    assert.deepEqual(await resolver.reverse('127.64.1.2'), ['db.default.svc']);
  });

  it('other names are asked elsewhere', async () => {
    assert.deepEqual(await resolver.resolve4('example.org'), ['192.0.2.53']);
    assert.equal(other.asked, 1);
  });

  it('over TCP too, where an answer is too long for a datagram', async () => {
    other.isTruncating = true;
    assert.deepEqual(await resolver.resolve4('long.example.org'), ['192.0.2.53']);
  });

  it('are refused where there is nobody to ask', async () => {
    const lonely = new Resolver({ timeout: 2000, tries: 1 });
    lonely.setServers([`127.0.0.1:${alone.port}`]);
    const outcome = await settled(lonely.resolve4('example.org'));
    assert.equal('error' in outcome && (outcome.error as Error & { code?: string }).code, 'EREFUSED');
    assert.deepEqual(await lonely.resolve4('db'), ['127.64.1.2']);
  });

  it('nobody is told anything while the mesh is not known', async () => {
    const unknown = new MeshView({ rootNamespace: 'istio-system', capabilities: ENFORCED_IN_PROCESS });
    const young = await openNameServer({ ...names, view: unknown, port: 0, forwardTo: [], clock });
    const lonely = new Resolver({ timeout: 2000, tries: 1 });
    lonely.setServers([`127.0.0.1:${young.port}`]);
    const outcome = await settled(lonely.resolve4('db'));
    assert.equal('error' in outcome && (outcome.error as Error & { code?: string }).code, 'ESERVFAIL');
    await young.close();
  });

  it('garbage over UDP is nobody’s trouble', async () => {
    const udp = createSocket('udp4');
    for (const bytes of [Buffer.alloc(0), Buffer.of(1), Buffer.alloc(600, 0xff), Buffer.alloc(12, 0x80)]) {
      udp.send(bytes, server.port, '127.0.0.1');
    }
    assert.deepEqual(await resolver.resolve4('db'), ['127.64.1.2']);
    udp.close();
  });

  it('over TCP, whoever claims too much or takes too long is cut off', async () => {
    const greedy = Talker.to(alone.port);
    greedy.socket.write(Buffer.of(0xff, 0xff));
    await until('the cut', () => greedy.isClosed || greedy.hasEnded);
    const slow = Talker.to(alone.port);
    slow.socket.write(Buffer.of(0));
    await until('the deadline to be set', () => clock.pending > 0);
    await clock.advance(10_000);
    await until('the cut', () => slow.isClosed || slow.hasEnded);
    greedy.socket.destroy();
    slow.socket.destroy();
  });

  it('a port that is somebody else’s is an error', async () => {
    const { port } = server;
    const outcome = await settled(openNameServer({ ...names, port, forwardTo: [], clock }));
    assert.equal('error' in outcome && (outcome.error as Error & { code?: string }).code, 'EADDRINUSE');
  });
});

describe('a resolver as people write it', () => {
  for (const [text, expected] of [
    ['10.0.0.2', { host: '10.0.0.2', port: 53 }],
    ['10.0.0.2:5353', { host: '10.0.0.2', port: 5353 }],
    ['fd00::2', { host: 'fd00::2', port: 53 }],
    ['[fd00::2]:5353', { host: 'fd00::2', port: 5353 }],
    ['10.0.0.2:0', undefined],
    ['10.0.0.2:65536', undefined],
    ['resolver.example', undefined],
    ['[10.0.0.2]', undefined],
  ] as const) {
    it(text, () => assert.deepEqual(parseUpstream(text), expected));
  }
});
