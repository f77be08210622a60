import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import type { IncomingMessage, RequestListener } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, describe, it } from 'node:test';
import { text } from 'node:stream/consumers';

import { ENFORCED_IN_PROCESS, SpiffeId } from '@rampart/core';
import { createIds, MeshView, OutboundRecorder, TelemetryReporter, Traffic } from '@rampart/mesh';
import type { GroupPolicy, MeshEndpoint, MeshService, RouteSettings, SignHeaders, Target } from '@rampart/mesh';
import { signRequest } from '@rampart/spiffe/http-signature';
import { until } from '@rampart/testkit';

import type { HttpVersion } from '../../http/version.ts';
import { ConnectionPool } from '../../http1/connection-pool.ts';
import { stopwatch } from '../../stopwatch.ts';
import { SocketStream } from '../../stream/socket-stream.ts';
import { joiner } from '../../tcp/join.ts';
import { clock } from '../../testing/real-clock.ts';
import { startServer } from '../../testing/servers.ts';
import { OutboundHttp } from '../outbound-http.ts';

const closers: (() => void)[] = [];
after(() => {
  for (const close of closers) close();
});

/** An instance of a service, and what has come to it. */
interface Instance {
  readonly endpoint: MeshEndpoint;
  readonly seen: { readonly line: string; readonly headers: IncomingMessage['headers']; readonly body: string }[];
}

const spiffeId = SpiffeId.of('spiffe://cluster.local/ns/default/sa/a');

async function instance(id: string, answer: RequestListener, labels: Record<string, string> = {}): Promise<Instance> {
  const seen: Instance['seen'] = [];
  const server = http.createServer((request, response) => {
    void text(request).then((body) => {
      seen.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
      answer(request, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { endpoint: endpointAt(id, (server.address() as AddressInfo).port, labels), seen };
}

function endpointAt(id: string, port: number, labels: Record<string, string> = {}): MeshEndpoint {
  const identity = spiffeId.toString();
  const address = `127.0.0.1:${port}`;
  return { instanceId: id, host: '127.0.0.1', port, protocol: 'http', spiffeId, identity, labels, address };
}

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const signer = { spiffeId, chain: [], privateKey, publicKey };
const signed: SignHeaders = ({ method, target, headers }, content) => {
  const host = headers[headers.findIndex((each) => each.toLowerCase() === 'host') + 1];
  const order = { signer, components: [], nonce: 'only-once', now: clock.now(), lifetimeMs: 60_000 };
  const added = signRequest({ method, url: `https://${host}${target}`, fields: () => [] }, content, order);
  return [...headers, ...Object.entries(added).flat()];
};

interface Rules {
  readonly route?: RouteSettings;
  readonly policy?: GroupPolicy;
  readonly subsets?: Readonly<Record<string, Record<string, string>>>;
  readonly signs?: boolean;
  /** What the application speaks. */
  readonly version?: HttpVersion;
}

interface Recorded {
  readonly flags: string;
  readonly code: number;
  readonly host: string;
  readonly service: string;
  readonly decision: string;
}

interface CallOptions extends Omit<http.RequestOptions, 'headers'> {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface Caller {
  readonly port: number;
  readonly records: Recorded[];
  call(options?: CallOptions): Promise<Answered>;
}

interface Answered {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A sidecar's way out, over plain sockets, with the rules given about service "a". */
async function caller(endpoints: readonly MeshEndpoint[], rules: Rules): Promise<Caller> {
  const service: MeshService = { name: 'a', namespace: 'default', host: 'a.default.svc', endpoints };
  const records: Recorded[] = [];
  const view = new MeshView({ rootNamespace: 'istio-system', capabilities: ENFORCED_IN_PROCESS });
  const telemetry = Object.assign(TelemetryReporter.discarding(), {
    record: (record: {
      responseFlags: string;
      responseCode: number;
      upstreamHost: string;
      destinationService: string;
      decision: string;
    }) => {
      const { responseFlags: flags, responseCode: code, upstreamHost: host, destinationService, decision } = record;
      records.push({ flags, code, host, service: destinationService, decision });
    },
  });
  const traffic = new Traffic({
    clock,
    stopwatch,
    random: Math.random,
    rules: () => ({
      forService: () => ({
        ...(rules.route === undefined ? {} : { route: () => rules.route }),
        policy: () => rules.policy ?? {},
        subset: (name) => rules.subsets?.[name],
      }),
    }),
    reach: () => service,
    caller: () => 'me',
    signature: () => (rules.signs === true ? { maxBodyBytes: 1000, load: () => Promise.resolve(signed) } : undefined),
  });
  const pools = new Map<string, ConnectionPool>();
  const poolOf = ({ endpoint: { instanceId, port } }: Target): ConnectionPool => {
    const open = (): SocketStream => new SocketStream(connect({ host: '127.0.0.1', port, allowHalfOpen: true }));
    const known = pools.get(instanceId) ?? new ConnectionPool(open, 16);
    pools.set(instanceId, known);
    return known;
  };
  const way = new OutboundHttp({
    recorder: new OutboundRecorder({ view, telemetry }, { ids: createIds(), stopwatch, parent: () => undefined }),
    route: () => {
      const ruled = traffic.about(service, 80);
      assert.ok(ruled !== undefined);
      return { kind: 'ruled', ruled };
    },
    pool: poolOf,
    outside: () => assert.fail('nothing leaves the mesh'),
    started: () => {},
    finished: () => {},
    join: joiner(clock),
    isDraining: () => false,
    clock,
  });
  const { version = 'http/1.1' } = rules;
  const door = await startServer((socket) => way.accept({ stream: new SocketStream(socket), version }));
  closers.push(() => {
    door.close();
    way.close();
    for (const pool of pools.values()) pool.close();
  });
  const agent = new http.Agent({ keepAlive: true });
  closers.push(() => agent.destroy());
  return { port: door.port, records, call: (options) => request(door.port, { agent, ...options }) };
}

function request(port: number, { body, headers, ...options }: CallOptions): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const sent = http.request(
      { host: '127.0.0.1', port, ...options, headers: { host: 'a', ...headers } },
      (response) => {
        text(response).then(
          (all) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: all }),
          reject,
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

const ok: RequestListener = (_, response) => response.end('fine');
const failing: RequestListener = (_, response) => response.writeHead(503).end('no');
const silent: RequestListener = () => {};
const TO_A: RouteSettings['destinations'] = [{ host: 'a', weight: 1 }];
const RETRIES = { attempts: 3, on: new Set(['5xx'] as const), statuses: new Set<number>(), backoffMs: 1 };

const STRICT = {
  consecutive5xx: 1,
  consecutiveGateway: 0,
  consecutiveLocal: 0,
  intervalMs: 10_000,
  baseEjectionMs: 10_000,
  maxEjectionPercent: 50,
  minHealthPercent: 0,
};

describe('requests of a sidecar under rules', () => {
  it('path, authority and headers are changed on the way, and back', async () => {
    const one = await instance('one', (_, response) => response.setHeader('x-inner', 'secret').end('fine'));
    const { call } = await caller([one.endpoint], {
      route: {
        destinations: TO_A,
        rewriteUrl: (url) => url.replace('/old', '/new'),
        authority: 'inner.example',
        headers: {
          request: { remove: ['x-debug'], set: [['x-route', 'v1']], add: [] },
          response: { remove: ['x-inner'], set: [['x-by', 'mesh']], add: [] },
        },
      },
    });
    const answered = await call({ path: '/old/1?q=2', headers: { 'x-debug': 'yes' } });
    const [seen] = one.seen;
    assert.deepEqual(
      [seen?.line, seen?.headers.host, seen?.headers['x-route'], seen?.headers['x-debug']],
      ['GET /new/1?q=2', 'inner.example', 'v1', undefined],
    );
    assert.deepEqual(
      [answered.headers['x-by'], answered.headers['x-inner'], answered.body],
      ['mesh', undefined, 'fine'],
    );
  });

  it('are signed where that is asked for; one that cannot be is answered, whoever has chosen its Host', async () => {
    const one = await instance('one', ok);
    const { call, records } = await caller([one.endpoint], {
      signs: true,
      route: { destinations: TO_A, mirrors: [{ host: 'a', share: 1 }] },
    });
    const { status, body } = await call({ headers: { host: 'a:99999' } });
    assert.equal(status, 400);
    assert.match(body, /^INVALID_ARGUMENT: .* cannot be signed/);
    assert.deepEqual([one.seen.length, records.map(({ code }) => code)], [0, [400]]);
    assert.equal((await call()).status, 200);
    assert.match(String(one.seen[0]?.headers['signature-input']), /rampart-request/);
  });

  it('retries go to other instances until one answers; the body goes with them', async () => {
    const all = await Promise.all([instance('bad', failing), instance('worse', failing), instance('good', ok)]);
    const { call, records } = await caller(
      all.map(({ endpoint }) => endpoint),
      { route: { destinations: TO_A, retries: RETRIES } },
    );
    for (let time = 0; time < 5; time += 1) {
      const answered = await call({ method: 'PUT', body: 'all of it' });
      assert.deepEqual([answered.status, answered.body], [200, 'fine']);
    }
    assert.ok(all.every(({ seen }) => seen.every(({ body }) => body === 'all of it')));
    assert.ok(all.slice(0, 2).some(({ seen }) => seen.length > 0));
    assert.deepEqual([...new Set(records.map(({ flags }) => flags))], ['-']);
  });

  it('are sent to instances of HTTP/1.1 where they come over HTTP/2', async () => {
    const all = await Promise.all([instance('bad', failing), instance('good', ok)]);
    const { port, records } = await caller(
      all.map(({ endpoint }) => endpoint),
      { version: 'h2', route: { destinations: TO_A, retries: RETRIES, mirrors: [{ host: 'a', share: 1 }] } },
    );
    const session = http2.connect(`http://127.0.0.1:${port}`);
    closers.push(() => session.destroy());
    for (let time = 0; time < 4; time += 1) {
      const stream = session.request({ ':path': '/', ':method': 'PUT', ':authority': 'a', te: 'trailers' });
      stream.end('all of it');
      const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
      assert.deepEqual([headers[':status'], await text(stream)], [200, 'fine']);
    }
    assert.deepEqual([...new Set(records.map(({ code }) => code))], [200]);
    assert.ok(all.every(({ seen }) => seen.every(({ body }) => body === 'all of it')));
  });

  it('an instance that is not there is passed over, for POST as well: nobody has seen the request', async () => {
    const good = await instance('good', ok);
    const gone = await startServer(() => {});
    gone.close();
    const retries = { ...RETRIES, on: new Set(['connect-failure'] as const) };
    const { call } = await caller([good.endpoint, endpointAt('gone', gone.port)], {
      route: { destinations: TO_A, retries },
    });
    for (let time = 0; time < 6; time += 1) assert.equal((await call({ method: 'POST', body: 'once' })).status, 200);
  });

  it('POST is not sent again once it may have been handled', async () => {
    const one = await instance('one', failing);
    const { call } = await caller([one.endpoint], { route: { destinations: TO_A, retries: RETRIES } });
    assert.equal((await call({ method: 'POST', body: 'once' })).status, 503);
    assert.equal(one.seen.length, 1);
  });

  it('a body that is not kept is not sent again', async () => {
    const one = await instance('one', failing);
    const { call } = await caller([one.endpoint], { route: { destinations: TO_A, retries: RETRIES } });
    assert.equal((await call({ method: 'PUT', body: 'x'.repeat(200_000) })).status, 503);
    assert.equal(one.seen.length, 1);
  });

  it('retries used up: the last answer, URX', async () => {
    const one = await instance('one', failing);
    const { call, records } = await caller([one.endpoint], { route: { destinations: TO_A, retries: RETRIES } });
    const answered = await call();
    assert.deepEqual([answered.status, answered.body, one.seen.length], [503, 'no', 4]);
    assert.deepEqual([records[0]?.flags, records[0]?.decision], ['URX', 'ALLOW']);
  });

  it('no answer in time: 504 UT', async () => {
    const one = await instance('one', silent);
    const { call, records } = await caller([one.endpoint], { route: { destinations: TO_A, timeoutMs: 30 } });
    assert.equal((await call()).status, 504);
    assert.equal(records[0]?.flags, 'UT');
  });

  it('faults: delayed and answered on purpose, DI and FI', async () => {
    const one = await instance('one', ok);
    const fault = { delay: { share: 1, milliseconds: 40 }, abort: { share: 1, status: 418 } };
    const { call, records } = await caller([one.endpoint], { route: { destinations: TO_A, fault } });
    const before = performance.now();
    assert.equal((await call()).status, 418);
    assert.ok(performance.now() - before >= 35);
    assert.deepEqual([records[0]?.flags, records[0]?.service, one.seen.length], ['FI,DI', 'a.default.svc', 0]);
  });

  it('shares by weight and subset; a copy goes to the mirror', async () => {
    const v1 = await instance('v1', ok, { version: 'v1' });
    const v2 = await instance('v2', ok, { version: 'v2' });
    const { call } = await caller([v1.endpoint, v2.endpoint], {
      subsets: { v1: { version: 'v1' }, v2: { version: 'v2' } },
      route: {
        destinations: [{ host: 'a', subset: 'v1', weight: 1 }],
        mirrors: [{ host: 'a', subset: 'v2', share: 1 }],
      },
    });
    for (let time = 0; time < 4; time += 1) await call({ method: 'POST', body: 'copied' });
    await until('the copies are there', () => v2.seen.length === 4);
    assert.equal(v1.seen.length, 4);
    assert.deepEqual([v2.seen[0]?.body, v2.seen[0]?.headers.host], ['copied', 'a-shadow']);
  });

  it('more requests than a rule allows: UO for those that find no place to wait', async () => {
    const one = await instance('one', (_, response) => setTimeout(() => response.end('fine'), 30));
    const { call, records } = await caller([one.endpoint], { policy: { limits: { requests: 1, pending: 1 } } });
    const statuses = (await Promise.all([call({ agent: false }), call({ agent: false }), call({ agent: false })])).map(
      ({ status }) => status,
    );
    assert.deepEqual(
      statuses.toSorted((a, b) => a - b),
      [200, 200, 503],
    );
    assert.ok(records.some(({ flags }) => flags === 'UO'));
    assert.equal((await call()).status, 200);
  });

  it('an instance that fails is left out', async () => {
    const bad = await instance('bad', failing);
    const good = await instance('good', ok);
    const { call } = await caller([bad.endpoint, good.endpoint], { policy: { outlier: STRICT } });
    for (let time = 0; time < 20; time += 1) await call();
    assert.deepEqual([bad.seen.length, good.seen.length], [1, 19]);
  });

  it('all instances out: a fallback where a rule has one, UH', async () => {
    const all = await Promise.all([instance('bad', failing), instance('worse', failing)]);
    const endpoints = all.map(({ endpoint }) => endpoint);
    const response = { status: 200, headers: [['x-from', 'fallback']] as const, body: '[]' };
    const outlier = { ...STRICT, maxEjectionPercent: 100 };
    const { call, records } = await caller(endpoints, { policy: { outlier, fallback: { response } } });
    await call();
    await call();
    const { status, headers, body } = await call();
    assert.deepEqual([status, headers['x-from'], body, records.at(-1)?.flags], [200, 'fallback', '[]', 'UH']);
  });

  it('all instances out: the last good answer to the same GET where a rule has it given, RFCF', async () => {
    let isWell = true;
    const one = await instance('one', (request, response) => {
      const own = request.url === '/own' ? { 'cache-control': 'private' } : {};
      response.writeHead(isWell ? 200 : 503, { etag: '"1"', ...own }).end(isWell ? 'fine' : 'no');
    });
    const gone = await startServer(() => {});
    gone.close();
    const outlier = { ...STRICT, maxEjectionPercent: 100 };
    const { call, records } = await caller([one.endpoint, endpointAt('gone', gone.port)], {
      policy: { outlier, fallback: { staleMs: 60_000 } },
      route: {
        destinations: TO_A,
        headers: { response: { remove: [], set: [['x-by', 'mesh']], add: [] } },
        retries: { ...RETRIES, on: new Set(['connect-failure']) },
      },
    });
    for (const path of ['/', '/own']) assert.equal((await call({ path })).status, 200);
    isWell = false;
    await until('all to be out', async () => (await call({ method: 'POST' })).body.startsWith('no instance'));
    const { status, headers, body } = await call();
    assert.deepEqual([status, headers['etag'], headers['x-by'], body], [200, '"1"', 'mesh', 'fine']);
    assert.deepEqual([headers['age'], headers['cache-status']], ['0', 'rampart; hit; detail=stale']);
    assert.equal(records.at(-1)?.flags, 'UH,RFCF');
    const others: CallOptions[] = [{ path: '/own' }, { path: '/?q=1' }, { headers: { authorization: 'Bearer x' } }];
    for (const other of others) assert.equal((await call(other)).status, 503);
  });

  it('a caller that goes away takes its request with it', async () => {
    const one = await instance('one', silent);
    const { port, records } = await caller([one.endpoint], { route: { destinations: TO_A, retries: RETRIES } });
    const socket = connect(port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await until('the request is there', () => one.seen.length === 1);
    socket.resetAndDestroy();
    await until('it is recorded', () => records.length === 1);
    assert.equal(records[0]?.flags, 'DC');
  });
});
