import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';

import { RampartError } from '@rampart/core';
import {
  createIds,
  ConnectionLimited,
  EgressDenied,
  InboundTcpRecorder,
  OutboundTcpRecorder,
  ResponseFlag,
  TcpJudge,
} from '@rampart/mesh';
import type { Route, Stopwatch } from '@rampart/mesh';
import { TestCa, until } from '@rampart/testkit';
import type { RecordInput } from '@rampart/wire/record-block';

import type { CapturedConnection, Destination } from '../capture/captured-connection.ts';
import { parseProxyHeader } from '../capture/proxy-protocol/proxy-header.ts';
import { SocketStream } from '../stream/socket-stream.ts';
import { clock } from '../testing/real-clock.ts';
import { startServer, Talker } from '../testing/servers.ts';
import type { TestServer } from '../testing/servers.ts';
import { TestMesh } from '../testing/test-mesh.ts';
import { connectToApplication } from './application.ts';
import { connectTcp } from './connect-tcp.ts';
import { InboundTcp } from './inbound-tcp.ts';
import { OutboundTcp } from './outbound-tcp.ts';
import { Outside } from './outside.ts';

const stopwatch: Stopwatch = {
  elapsed: () => performance.now(),
  unixTime: (reading) => performance.timeOrigin + reading,
};

/** Keeps the records that a recorder writes. */
class Records {
  readonly all: RecordInput[] = [];
  readonly view = { revision: 0 };
  readonly telemetry = { record: (record: RecordInput): void => void this.all.push({ ...record }) };

  /** The record that comes next, or has come. */
  async one(): Promise<RecordInput> {
    const record = await until('a record', () => this.all[0]);
    assert.equal(this.all.length, 1);
    return record;
  }
}

const authorizationPolicy = (spec: string, name = 'policy'): string =>
  `{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: ${name}}, spec: ${spec}}`;

const denied = {
  decision: 'DENY',
  policy: 'default/out',
  rule: -1,
  action: '',
  reason: 'not there',
  audit: [],
  dryRun: [],
  dryRunDecision: '',
  mode: '',
} as const;

describe('a connection without HTTP, from an application to an application', () => {
  const ids = createIds();
  let mesh: TestMesh;
  let judge: TcpJudge;
  let application: TestServer;
  let entrance: TestServer;
  let sources: Records;
  let destinations: Records;
  let inbound: InboundTcp;
  let outbound: OutboundTcp;
  let serve: (socket: Socket) => void;
  let destination: Destination;
  let route: () => Route;
  let told: string[];
  let isReachable: (address: string) => boolean;
  let ownDoor: number;

  before(async () => {
    mesh = await TestMesh.start(await TestCa.create('cluster.local', clock.now()));
    judge = new TcpJudge({ view: mesh.view, external: mesh.external, clock, ownPrincipal: () => '' });
    application = await startServer((socket) => serve(socket));
    entrance = await startServer((socket) => outbound.connected(captured(socket)));
  });
  beforeEach(() => {
    mesh.apply();
    [sources, destinations, told] = [new Records(), new Records(), []];
    serve = (socket) => socket.pipe(socket);
    destination = { host: 'db', port: 5432 };
    route = () => ({ kind: 'mesh', target: mesh.target });
    isReachable = () => true;
    ownDoor = 0;
    const target = (): Promise<SocketStream> =>
      connectTcp({ host: '127.0.0.1', port: application.port }, new AbortController().signal);
    const recorder = new InboundTcpRecorder(destinations, stopwatch);
    recorder.setSelf('db.default.svc', 'spiffe://cluster.local/ns/default/sa/db');
    inbound = new InboundTcp({ judge, recorder, ids, clock, stopwatch, connect: target });
    mesh.accept = (connection) =>
      inbound.accept({ connection, stream: new SocketStream(connection.socket), trace: trace() });
    const outside = new Outside({
      toAddress: (address) => (isReachable(address) ? undefined : denied),
      toOutside: () => undefined,
      wayOut: (to) => ({ ...to, tls: undefined }),
      follow: () => {},
      isOwnDoor: (port) => port === ownDoor,
      lookup: (host, _options, callback) => {
        if (host === 'nothere') callback(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), []);
        else
          callback(null, [
            { address: '192.0.2.1', family: 4 },
            { address: '127.0.0.1', family: 4 },
          ]);
      },
    });
    let sent: ReturnType<typeof trace>;
    const trace = (): { requestId: string; traceId: string; spanId: string } | undefined => sent;
    outbound = new OutboundTcp({
      route: () => route(),
      dial: (_target, along) => {
        sent = { ...along };
        return mesh.dial();
      },
      leave: (where, signal) => outside.connect(where, signal),
      recorder: sourceRecorder(),
      ids,
      clock,
      stopwatch,
    });
  });
  after(() => {
    entrance.close();
    application.close();
    judge.close();
    mesh.close();
  });

  function sourceRecorder(): OutboundTcpRecorder {
    const recorder = new OutboundTcpRecorder(sources, stopwatch);
    recorder.setSelf('users-api', 'spiffe://cluster.local/ns/default/sa/users-api');
    return recorder;
  }

  function captured(socket: Socket): CapturedConnection {
    const stream = new SocketStream(socket);
    return {
      stream,
      head: Buffer.alloc(0),
      destination,
      accept: () => void told.push('accepted'),
      refuse: ({ flag }) => {
        told.push(flag);
        stream.reset();
      },
    };
  }

  it('leaves one record at both ends, joined by its request id', async () => {
    const talker = Talker.to(entrance.port);
    talker.socket.end('hello');
    await once(talker.socket, 'close');
    assert.equal(talker.heard, 'hello');
    const [source, destined] = [await sources.one(), await destinations.one()];
    assert.deepEqual(told, ['accepted']);
    for (const record of [source, destined]) {
      assert.equal(record.protocol, 'TCP');
      assert.equal(record.method, '');
      assert.equal(record.path, '');
      assert.equal(record.responseCode, 0);
      assert.equal(record.responseFlags, '-');
      assert.equal(record.decision, 'ALLOW');
      assert.deepEqual([record.bytesReceived, record.bytesSent], [5, 5]);
      assert.equal(record.destinationService, 'db.default.svc');
      assert.equal(record.sourcePrincipal, 'spiffe://cluster.local/ns/default/sa/users-api');
      assert.equal(record.destinationPrincipal, 'spiffe://cluster.local/ns/default/sa/db');
      assert.equal(record.upstreamHost, `127.0.0.1:${mesh.port}`);
      assert.equal(record.tlsVersion, 'TLSv1.3');
      assert.ok(record.durationMicros > 0);
      assert.ok(Math.abs(record.startedAt - Date.now()) < 60_000);
    }
    assert.equal(source.authority, 'db:5432');
    assert.equal(source.traceId, destined.traceId);
    assert.equal(source.requestId, destined.requestId);
    assert.notEqual(source.spanId, destined.spanId);
    assert.deepEqual([inbound.open, outbound.open, judge.open], [0, 0, 0]);
  });

  it('that policy denies never reaches the application', async () => {
    mesh.apply(authorizationPolicy('{rules: [{to: [{operation: {methods: [GET]}}]}]}'));
    const known = application.sockets.length;
    Talker.to(entrance.port);
    const record = await destinations.one();
    assert.deepEqual([record.decision, record.responseFlags, record.policy], ['DENY', 'UAEX', 'default/policy']);
    assert.match(record.reason, /asks for HTTP/);
    assert.equal(application.sockets.length, known);
    const source = await sources.one();
    assert.deepEqual([source.decision, source.responseFlags], ['ALLOW', 'UC']);
  });

  it('is closed when a new policy denies it', async () => {
    const talker = Talker.to(entrance.port);
    talker.socket.write('a');
    await until('an answer', () => talker.heard === 'a');
    mesh.apply(authorizationPolicy('{action: DENY, rules: [{}]}'));
    const record = await destinations.one();
    assert.deepEqual([record.decision, record.responseFlags, record.bytesSent], ['DENY', 'UAEX', 1]);
    await until('the caller to be told', () => talker.isClosed);
  });

  it('whose application is not there is closed', async () => {
    inbound = new InboundTcp({
      judge,
      recorder: new InboundTcpRecorder(destinations, stopwatch),
      ids,
      clock,
      stopwatch,
      connect: () => Promise.reject(new Error('ECONNREFUSED')),
    });
    const talker = Talker.to(entrance.port);
    const record = await destinations.one();
    assert.deepEqual([record.decision, record.responseFlags], ['ALLOW', 'UF']);
    assert.match(record.reason, /^the application: ECONNREFUSED/);
    await until('the caller to be told', () => talker.isClosed);
  });

  it('is announced to an application that wants to know whose it is', async () => {
    inbound = new InboundTcp({
      judge,
      recorder: new InboundTcpRecorder(destinations, stopwatch),
      ids,
      clock,
      stopwatch,
      connect: connectToApplication({ port: () => application.port, proxyProtocol: 'v2' }),
    });
    const talker = Talker.to(entrance.port);
    talker.socket.end('hello');
    await until('the end', () => talker.isClosed);
    const parsed = parseProxyHeader(Buffer.from(talker.heard, 'latin1'));
    assert.ok(parsed.kind === 'done');
    assert.equal(parsed.value.ends?.destination.port, mesh.port);
    assert.ok(talker.heard.includes('spiffe://cluster.local/ns/default/sa/users-api'));
    assert.equal(talker.heard.slice(parsed.length), 'hello');
    assert.equal((await destinations.one()).bytesReceived, 5);
  });

  it('is ended when the sidecar stops', async () => {
    const talker = Talker.to(entrance.port);
    talker.socket.write('a');
    await until('an answer', () => talker.heard === 'a');
    inbound.close('the sidecar stops');
    assert.equal((await destinations.one()).reason, 'the sidecar stops');
    assert.equal(inbound.open, 0);
  });

  const failures: readonly [what: string, error: Error, flag: string, decision: string][] = [
    ['a name that leads nowhere', new RampartError('NOT_FOUND', 'no service'), 'NR', 'ALLOW'],
    ['a service without instances', new RampartError('NO_HEALTHY_INSTANCE', 'none'), 'UH', 'ALLOW'],
    ['a service with as many connections as a rule allows', new ConnectionLimited('db'), 'UO', 'ALLOW'],
    ['an instance that egress policy keeps it from', new EgressDenied('db', denied), 'UAEX', 'DENY'],
    ['a host that no entry knows', new EgressDenied('db', { ...denied, flag: ResponseFlag.noInstance }), 'UH', 'DENY'],
  ];
  for (const [what, error, flag, decision] of failures) {
    it(`to ${what} is refused with ${flag}`, async () => {
      route = () => ({ kind: 'failed', error: error as RampartError, service: undefined });
      Talker.to(entrance.port);
      const record = await sources.one();
      assert.deepEqual([record.responseFlags, record.decision, record.authority], [flag, decision, 'db:5432']);
      assert.deepEqual(told, [flag]);
    });
  }

  it('to an instance that does not answer as it should is refused with UF', async () => {
    mesh.accept = ({ socket }) => void socket.destroy();
    route = () => {
      const { service, endpoint } = mesh.target;
      return { kind: 'mesh', target: { service, endpoint: { ...endpoint, port: 1, address: '127.0.0.1:1' } } };
    };
    outbound = new OutboundTcp({
      route: () => route(),
      dial: (target, _trace, signal) => connectTcp({ host: '127.0.0.1', port: target.endpoint.port }, signal),
      leave: () => Promise.reject(new Error('not outside')),
      recorder: sourceRecorder(),
      ids,
      clock,
      stopwatch,
    });
    Talker.to(entrance.port);
    const record = await sources.one();
    assert.deepEqual([record.responseFlags, record.upstreamHost, record.decision], ['UF', '127.0.0.1:1', 'ALLOW']);
    assert.deepEqual(told, ['UF']);
  });

  describe('out of the mesh', () => {
    beforeEach(() => {
      route = () => ({ kind: 'outside' });
      destination = { host: 'example.org', port: application.port };
    });

    it('goes to the addresses that egress policy leaves', async () => {
      isReachable = (address) => address === '127.0.0.1';
      const talker = Talker.to(entrance.port);
      talker.socket.end('hello');
      await once(talker.socket, 'close');
      assert.equal(talker.heard, 'hello');
      const record = await sources.one();
      assert.equal(record.upstreamHost, `127.0.0.1:${application.port}`);
      assert.equal(record.destinationService, `example.org:${application.port}`);
      assert.deepEqual([record.decision, record.tlsVersion, record.destinationPrincipal], ['ALLOW', '', '']);
    });

    it('is refused where it would come round to the sidecar itself', async () => {
      ownDoor = application.port;
      Talker.to(entrance.port);
      const record = await sources.one();
      assert.equal(record.responseFlags, 'UF');
      assert.match(record.reason, /is a proxy port of this sidecar itself$/);
      assert.deepEqual(told, ['UF']);
    });

    it('finds nothing where neither the mesh nor DNS knows the name', async () => {
      destination = { host: 'nothere', port: 80 };
      Talker.to(entrance.port);
      const record = await sources.one();
      assert.deepEqual([record.responseFlags, record.decision], ['NR', 'ALLOW']);
      assert.match(record.reason, /^no service nothere is registered in the mesh/);
      assert.deepEqual(told, ['NR']);
    });

    for (const host of ['example.org', '127.0.0.1']) {
      it(`is refused where none of ${host} is left`, async () => {
        isReachable = () => false;
        destination = { host, port: application.port };
        Talker.to(entrance.port);
        const record = await sources.one();
        assert.deepEqual([record.responseFlags, record.decision, record.policy], ['UAEX', 'DENY', 'default/out']);
        assert.deepEqual(told, ['UAEX']);
      });
    }
  });
});
