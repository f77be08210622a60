import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { IncomingMessage } from 'node:http';
import net from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { TLSSocket } from 'node:tls';

import { SpiffeId } from '@rampart/core';
import { OutboundRecorder, Traffic } from '@rampart/mesh';
import type { Outbound, RuledService } from '@rampart/mesh';

import { systemClock, stopwatch } from '../../../clock.ts';
import { AnnouncedExchanges } from '../announced-exchanges.ts';
import { InnerPipe } from '../inner-pipe.ts';
import { LoopHold } from '../loop-hold.ts';
import { PendingExchanges } from '../pending-exchanges.ts';
import { InstanceConnections } from './instance-connections.ts';
import { SplicedClient } from './spliced-client.ts';

type Plane = ConstructorParameters<typeof OutboundRecorder>[0];
type Service = Parameters<Traffic['ruled']>[0];
type Endpoint = Service['endpoints'][number];
type Rules = Parameters<Traffic['ruled']>[2];
type Route = ReturnType<NonNullable<Rules['route']>>;

const IDS = { traceId: () => 't'.repeat(32), spanId: () => 's'.repeat(16) };
const IDENTITY = 'spiffe://cluster.local/ns/default/sa/a';

/** What an instance does with the nth request that comes to it. */
type Conduct = (socket: Socket, request: string, nth: number) => void;

const ok = (body: string, more = ''): string =>
  `HTTP/1.1 200 OK\r\n${more}content-length: ${body.length}\r\n\r\n${body}`;

/** An instance, and a way to it under rules. */
class World {
  readonly flags: string[] = [];
  readonly paths: string[] = [];
  conduct: Conduct = (socket, _, nth) => socket.write(ok(String(nth)));
  policy: ReturnType<Rules['policy']> = {};
  route: Route = { destinations: [] };
  opened = 0;
  requests = 0;
  far: InnerPipe | undefined;
  announced = new AnnouncedExchanges();
  recorder: OutboundRecorder | undefined;
  readonly agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  readonly #hold = new LoopHold();
  readonly connections: InstanceConnections = new InstanceConnections({
    outbound: { dial: () => net.connect(this.#port, '127.0.0.1') as TLSSocket },
    hold: this.#hold,
    now: () => stopwatch.elapsed(),
  });
  readonly #sockets = new Set<Socket>();
  readonly #server = net.createServer((socket) => {
    this.opened += 1;
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => this.conduct(socket, bytes.toString('latin1'), (this.requests += 1)));
  });
  #port = 0;

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    const ruled = this.#ruled();
    const telemetry = { record: this.#record } as Plane['telemetry'];
    const plane: Plane = { view: { revision: 0 } as Plane['view'], telemetry, metrics: undefined };
    const recorder = new OutboundRecorder(plane, { ids: IDS, stopwatch, parent: () => undefined });
    this.recorder = recorder;
    const held = { recorder, pending: new PendingExchanges(), hold: this.#hold, connections: this.connections };
    const outbound: Pick<Outbound, 'ruled'> = { ruled: () => ruled };
    Object.assign(this.agent, {
      createConnection: () => {
        const [near, far] = InnerPipe.pair();
        this.far = far;
        far.on('error', () => undefined);
        const { announced } = this;
        near.takenBy(
          new SplicedClient({ outbound, ...held }, { place: { host: 'a', port: 80 }, announced, client: near }),
        );
        return near;
      },
    });
  }

  readonly #record: Plane['telemetry']['record'] = ({ responseFlags, path }) => {
    this.flags.push(responseFlags);
    this.paths.push(path);
  };

  #ruled(): RuledService {
    const spiffeId = SpiffeId.of(IDENTITY);
    const known = { instanceId: 'one', host: '127.0.0.1', port: 80, protocol: 'http' as const, spiffeId, labels: {} };
    const endpoint: Endpoint = { ...known, identity: IDENTITY, address: '127.0.0.1:80' };
    const service: Service = { name: 'a', namespace: 'default', host: 'a', endpoints: [endpoint] };
    const rules: Rules = { route: () => this.route, policy: () => this.policy, subset: () => undefined };
    const traffic = new Traffic({
      clock: systemClock,
      stopwatch,
      random: () => 0.5,
      rules: () => ({ forService: () => rules }),
      reach: () => service,
      caller: () => '',
    });
    return traffic.ruled(service, 80, rules);
  }

  request(options: http.RequestOptions = {}): http.ClientRequest {
    return http.request({ agent: this.agent, host: 'a', path: '/', ...options });
  }

  async ask(options?: http.RequestOptions, body?: string): Promise<string> {
    const sent = this.request(options).end(body);
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    return `${answer.statusCode} ${await text(answer)}`;
  }

  stop(): void {
    this.agent.destroy();
    this.connections.retire(() => false);
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

describe('requests that are sent on as their clients wrote them', () => {
  let world: World;

  beforeEach(async () => {
    world = new World();
    await world.start();
  });

  afterEach(() => world.stop());

  it('one connection for request after request, with bodies and without', async () => {
    world.conduct = (socket, request, nth) => socket.write(ok(`${nth}${request.slice(-4)}`));
    assert.equal(await world.ask({ method: 'POST' }, 'body'), '200 1body');
    assert.equal(await world.ask(), '200 2\r\n\r\n');
    assert.equal(world.opened, 1);
  });

  it('an answer in chunks, and one that ends with its connection', async () => {
    const chunks = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n';
    world.conduct = (socket, _, nth) => (nth === 1 ? socket.write(chunks) : socket.end('HTTP/1.1 200 OK\r\n\r\nall'));
    assert.deepEqual([await world.ask(), await world.ask()], ['200 ok', '200 all']);
    assert.equal(world.opened, 1);
  });

  it('a connection that was closed while idle: once more for what may be repeated, 502 for the rest', async () => {
    world.conduct = (socket, _, nth) => (nth === 2 ? socket.end() : socket.write(ok(String(nth))));
    assert.equal(await world.ask(), '200 1');
    assert.equal(await world.ask(), '200 3');
    world.conduct = (socket) => socket.end();
    assert.match(await world.ask({ method: 'POST' }, 'once'), /^502/);
    assert.equal(world.requests, 4);
  });

  it('what comes behind an answer is given to nobody', async () => {
    world.conduct = (socket, _, nth) => socket.write(ok(String(nth)) + (nth === 1 ? ok('forged') : ''));
    assert.deepEqual([await world.ask(), await world.ask()], ['200 1', '200 2']);
    assert.equal(world.opened, 2);
  });

  it('an answer that cannot be read: 502 UC', async () => {
    world.conduct = (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab');
    assert.match(await world.ask(), /^502/);
    assert.deepEqual(world.flags, ['UC']);
  });

  it('the next try goes on the same connection, once the refused answer is read', async () => {
    world.route = {
      destinations: [],
      retries: { attempts: 2, on: new Set(['5xx']), statuses: new Set(), backoffMs: 1 },
    };
    world.conduct = (socket, _, nth) =>
      socket.write(nth === 1 ? 'HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\nno' : ok(String(nth)));
    assert.equal(await world.ask(), '200 2');
    assert.equal(world.opened, 1);
  });

  it('headers change on the way and back, but none that says where a message ends', async () => {
    const request = { remove: ['x-a'], set: [['x-b', '1'] as const, ['content-length', '9'] as const], add: [] };
    const response = { remove: ['server'], set: [['transfer-encoding', 'chunked'] as const], add: [] };
    world.route = { destinations: [], headers: { request, response } };
    world.conduct = (socket, asked) => socket.write(ok(asked, 'server: x\r\n'));
    const sent = world.request({ method: 'POST', headers: { 'x-a': 'yes' } }).end('body');
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    const asked = await text(answer);
    assert.match(asked, /\r\nx-b: 1\r\n/);
    assert.match(asked, /\r\nContent-Length: 4\r\n/i);
    assert.doesNotMatch(asked, /x-a|: 9/);
    assert.deepEqual([answer.headers['server'], answer.headers['transfer-encoding']], [undefined, undefined]);
  });

  it('a rule that makes of a request what HTTP cannot say: 502, and no instance is to blame', async () => {
    const outlier = { consecutive5xx: 1, consecutiveGateway: 1, consecutiveLocal: 1 };
    const ejected = { intervalMs: 1000, baseEjectionMs: 60_000, maxEjectionPercent: 100, minHealthPercent: 0 };
    world.policy = { outlier: { ...outlier, ...ejected }, limits: { requests: 1, pending: 0 } };
    world.route = { destinations: [], rewriteUrl: () => '/a HTTP/1.1\r\nx-forged: 1' };
    assert.match(await world.ask(), /^502/);
    world.route = { destinations: [] };
    assert.equal(await world.ask(), '200 1');
  });

  it('who gives up makes room again', async () => {
    world.policy = { limits: { requests: 1, pending: 0 } };
    world.conduct = (socket, _, nth) => nth > 1 && socket.write(ok(String(nth)));
    const first = world.request().end();
    first.on('error', () => undefined);
    while (world.requests === 0) await new Promise(setImmediate);
    first.destroy();
    await new Promise((resolve) => first.once('close', resolve));
    assert.equal(await world.ask(), '200 2');
    assert.deepEqual(world.flags, ['DC', '-']);
  });

  it('no answer in time: 504 UT, and the connection is not used again', async () => {
    world.route = { destinations: [], timeoutMs: 30 };
    world.conduct = (socket, _, nth) => nth > 1 && socket.write(ok(String(nth)));
    assert.match(await world.ask(), /^504/);
    // As long as a busy machine needs: what is asked is where the next request goes.
    world.route = { destinations: [], timeoutMs: 60_000 };
    assert.equal(await world.ask(), '200 2');
    assert.equal(world.opened, 2);
  });

  it('a body of unknown length is left to those who read everything', async () => {
    const sent = world.request({ method: 'POST' });
    sent.on('error', () => undefined);
    sent.write('part');
    const { far } = world;
    assert.ok(far !== undefined || (await once(sent, 'socket')) !== undefined);
    let said = '';
    // Node 26 writes the length of a chunk by itself.
    while (!said.endsWith('part\r\n')) {
      await new Promise(setImmediate);
      const part = world.far?.read() as Buffer | null | undefined;
      said += part?.toString() ?? '';
    }
    assert.match(said, /^POST \/ HTTP\/1\.1\r\n[^]*4\r\npart\r\n$/);
    assert.equal(world.requests, 0);
    sent.destroy();
  });

  it('requests are recorded as those that their client announced, in turn', async () => {
    const announced = ['/one', undefined, '/three'];
    for (const path of announced)
      world.announced.announce(
        path === undefined ? path : world.recorder?.begin({ method: 'GET', path, authority: 'a' }),
      );
    for (const _ of announced) await world.ask();
    assert.deepEqual(world.paths, ['/one', '/', '/three']);
  });

  it('a client that goes away as soon as it has read the whole answer has not given up', async () => {
    await world.ask();
    const [near] = Object.values(world.agent.freeSockets).flat();
    assert.ok(near !== undefined);
    world.agent.removeAllListeners();
    near.removeAllListeners();
    near.pause();
    const closed = once(near, 'close');
    near.on('readable', () => near.read() !== null && near.destroy());
    await new Promise(setImmediate);
    near.read();
    near.write('GET /a HTTP/1.1\r\nhost: a\r\n\r\n');
    await closed;
    assert.deepEqual(world.flags, ['-', '-']);
  });

  it('a second request on the same connection waits for the answer to the first', async () => {
    await world.ask();
    const sockets = Object.values(world.agent.freeSockets).flat();
    const near = sockets[0];
    assert.ok(near !== undefined);
    world.agent.removeAllListeners();
    near.removeAllListeners();
    let heard = '';
    near.on('data', (bytes: Buffer) => (heard += bytes.toString()));
    near.write('GET /a HTTP/1.1\r\nhost: a\r\n\r\n');
    near.write('GET /b HTTP/1.1\r\nhost: a\r\n\r\n');
    while (!heard.endsWith('3')) await new Promise(setImmediate);
    assert.deepEqual(heard.match(/\r\n\r\n\d/g), ['\r\n\r\n2', '\r\n\r\n3']);
    near.destroy();
  });
});
