import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import type { Tools } from '../harness/laboratory.ts';
import { STRICT } from '../harness/policies.ts';

/** What one connection was like for the program that opened it. */
interface Course {
  readonly events: readonly string[];
  readonly heard: string;
  readonly remotePort: number | undefined;
  readonly error?: string;
}

const POLICY = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: store, namespace: default }
spec:
  selector: { matchLabels: { app: store } }
  rules: [{ from: [{ source: { principals: [cluster.local/ns/default/sa/users] } }], to: [{ operation: { ports: ["PORT"] } }] }]
`;

const ONE_AT_A_TIME = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: store, namespace: default }
spec: { host: store, trafficPolicy: { connectionPool: { tcp: { maxConnections: 1 } } } }
`;

describe('services that speak no HTTP', () => {
  let plane: ControlPlaneProcess;
  let store: Laboratory;
  let users: Laboratory;
  let other: Laboratory;
  let port: number;

  before(async () => {
    plane = await ControlPlaneProcess.start();
    [store, users, other] = await Promise.all([
      Laboratory.start(plane, { serviceAccount: 'store', service: 'store' }),
      Laboratory.start(plane, { serviceAccount: 'users' }),
      Laboratory.start(plane, { serviceAccount: 'other' }),
    ]);
    port = await store.run(serveStore);
    await plane.registered('store', port);
    await until('store to be known', async () => (await users.run(converse, { port })).heard !== '');
    await until('store to be known', async () => (await other.run(converse, { port })).heard !== '');
  });

  after(async () => {
    await Promise.all([store.kill(), users.kill(), other.kill()]);
    await plane.stop();
  });

  beforeEach(() => plane.apply(STRICT));

  // It says what it has to say once it has heard something, and hears the rest after that.
  const EVENTS = ['connect', 'ready', 'data', 'finish', 'data', 'end', 'close'];

  for (const form of ['net.connect', 'socket.connect'] as const) {
    it(`${form} by name: the order of events of Node, over mutual TLS, half-open`, async () => {
      const course = await users.run(converse, { port, form });
      assert.deepEqual(course.events, EVENTS);
      assert.equal(course.heard, 'welcome users, you said 11 bytes', 'the server had the last word');
      assert.equal(course.remotePort, port);
    });
  }

  it('both ends record the connection, its bytes and who was there', async () => {
    await users.run(converse, { port, say: 'hello, world' });
    const records = await until('both records', async () => {
      const found = (await plane.records()).filter(
        ({ protocol, bytes_received }) => protocol === 'TCP' && bytes_received === 12,
      );
      return found.length === 2 ? found : undefined;
    });
    for (const { source_principal, destination_service, response_flags, bytes_sent, tls_version } of records) {
      assert.equal(source_principal, 'spiffe://cluster.local/ns/default/sa/users');
      assert.equal(destination_service, 'store.default.svc');
      assert.deepEqual([response_flags, bytes_sent, tls_version], ['-', 32, 'TLSv1.3']);
    }
    assert.deepEqual(records.map(({ reporter }) => reporter).toSorted(), ['destination', 'source']);
  });

  it('an upgrade to TLS of the application inside of the connection', async () => {
    assert.equal(await users.run(upgrade, port), 'inside both');
  });

  it('plaintext under STRICT is refused; where it is let in, a server may speak first', async () => {
    const refused = connect(port, '127.0.0.1').on('error', () => undefined);
    refused.write('hello');
    await once(refused, 'close');
    assert.equal(refused.bytesRead, 0);
    await plane.apply(STRICT.replace('STRICT', 'PERMISSIVE'));
    await until('plaintext to be let in', async () => {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      const first = await Promise.race([
        once(socket, 'data').then(String),
        once(socket, 'close').then(() => undefined),
      ]);
      socket.destroy();
      return first === 'welcome ';
    });
  });

  it('a member whose handshake comes so late that the server has spoken is cut off, and not taken for a plaintext caller', async () => {
    await plane.apply(STRICT.replace('STRICT', 'PERMISSIVE'));
    const below = await until('plaintext to be let in', async () => {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      const came = await Promise.race([once(socket, 'data').then(() => true), once(socket, 'close').then(() => false)]);
      return came ? socket : undefined;
    });
    const late = connectTls({ socket: below.pause(), ALPNProtocols: ['rampart-tcp/1'], servername: 'store' });
    const [error] = (await once(late, 'error')) as [Error & { code: string }];
    assert.equal(error.code, 'ECONNRESET');
    const reason = /the handshake began after a silence/;
    await until('the refusal', async () => (await plane.refusals()).find((each) => reason.test(each.reason)));
  });

  it('AuthorizationPolicy by identity and port: others are cut off before the server hears of them', async () => {
    await plane.apply(POLICY.replace('PORT', String(port)));
    await until('the policy to hold', async () => (await other.run(converse, { port })).heard === '');
    assert.match((await users.run(converse, { port })).heard, /^welcome users/);
    const denied = await until('the record', async () =>
      (await plane.records()).find(
        ({ authorization_decision, protocol }) => authorization_decision === 'DENY' && protocol === 'TCP',
      ),
    );
    assert.equal(denied.source_principal, 'spiffe://cluster.local/ns/default/sa/other');
    assert.equal(denied.response_flags, 'UAEX');
    await plane.admin.deleteResource({ kind: 'AuthorizationPolicy', namespace: 'default', name: 'store' });
  });

  it('no more connections than a rule allows are open at a time: maxConnections', async () => {
    await plane.apply(ONE_AT_A_TIME);
    const held = await until('the first of two to be let in alone', async () => {
      const [first, second] = await users.run(twoAtOnce, { port });
      return first === 'welcome' && second !== 'welcome' ? second : undefined;
    });
    assert.match(held, /^cannot connect to store\.default\.svc: as many connections as a rule allows are open/);
    assert.match((await users.run(converse, { port })).heard, /^welcome users/, 'one that is closed makes room');
    const record = await until('the record', async () =>
      (await plane.records()).find(({ protocol, response_flags: flags }) => protocol === 'TCP' && flags === 'UO'),
    );
    assert.deepEqual([record.destination_service, record.authorization_decision], ['store.default.svc', 'ALLOW']);
    await plane.admin.deleteResource({ kind: 'DestinationRule', namespace: 'default', name: 'store' });
  });

  it('a name without an instance fails as a connection that is refused', async () => {
    const course = await users.run(converse, { port: port + 1 });
    assert.deepEqual(course.events, ['error', 'close']);
    assert.match(course.error ?? '', /no instance of it serves port/);
  });
});

/** Runs in a workload: what became of a connection, and of a second one while that was open. */
async function twoAtOnce(
  { net, events: { once } }: Tools,
  { port }: { readonly port: number },
): Promise<[string, string]> {
  const sockets: Socket[] = [];
  const open = (): Promise<string> =>
    new Promise((resolve) => {
      const socket = net.connect({ host: 'store', port });
      sockets.push(socket);
      socket.once('data', () => resolve('welcome')).on('error', (error) => resolve(error.message));
    });
  const course: [string, string] = [await open(), await open()];
  const ended = sockets.filter(({ destroyed }) => !destroyed).map((socket) => once(socket.destroy(), 'close'));
  await Promise.all(ended);
  return course;
}

/** Runs in a workload: greets, and answers when its caller has said all it has to say. */
function serveStore({ net, tls, kept }: Tools): Promise<number> {
  const server = net.createServer({ allowHalfOpen: true }, (socket: Socket) => {
    socket.on('error', () => undefined);
    socket.write('welcome ');
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (!chunk.equals(Buffer.from('upgrade'))) return;
      socket.removeAllListeners('data').removeAllListeners('end');
      socket.write('go');
      const secure = new tls.TLSSocket(socket, {
        isServer: true,
        ciphers: 'PSK',
        maxVersion: 'TLSv1.2',
        pskCallback: () => Buffer.alloc(32, 1),
      } as object);
      secure.on('error', () => undefined).on('data', () => secure.end('inside both'));
    });
    socket.on('end', () => socket.end(`users, you said ${bytes} bytes`));
  });
  kept['store'] = server;
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/** Runs in a workload. */
function converse(
  { net }: Tools,
  { port, form, say = 'hello world' }: { port: number; form?: string; say?: string },
): Promise<Course> {
  const socket: Socket =
    form === 'socket.connect'
      ? new net.Socket({ allowHalfOpen: true }).setKeepAlive(true).setNoDelay(true)
      : net.connect({ port, host: 'store', allowHalfOpen: true });
  const events: string[] = [];
  let heard = '';
  let error: string | undefined;
  let remotePort: number | undefined;
  for (const event of ['connect', 'ready', 'data', 'end', 'finish', 'close', 'error']) {
    socket.on(event, () => {
      if (events.at(-1) !== event) events.push(event);
    });
  }
  socket.on('connect', () => {
    ({ remotePort } = socket);
    socket.setTimeout(5_000, () => socket.destroy(new Error('timeout')));
  });
  socket.on('data', (chunk: Buffer) => {
    if (heard === '') socket.end(say);
    heard += chunk.toString();
  });
  socket.on('error', (cause) => (error = cause.message));
  if (form === 'socket.connect') socket.connect(port, 'store');
  return new Promise((resolve) => {
    socket.on('close', () => resolve({ events, heard, remotePort, ...(error === undefined ? {} : { error }) }));
  });
}

/** Runs in a workload: asks for TLS in the clear and then speaks it over the same socket, as clients of PostgreSQL do. */
function upgrade({ net, tls }: Tools, port: number): Promise<string> {
  const socket = new net.Socket();
  socket.connect(port, 'store');
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.once('data', () => {
      socket.write('upgrade');
      socket.once('data', () => {
        const secure = tls.connect({
          socket,
          ciphers: 'PSK',
          maxVersion: 'TLSv1.2',
          pskCallback: () => ({ psk: Buffer.alloc(32, 1), identity: 'users' }),
          checkServerIdentity: () => undefined,
        } as object);
        secure.on('error', reject).on('secureConnect', () => secure.write('hello'));
        secure.on('data', (chunk: Buffer) => {
          resolve(chunk.toString());
          secure.destroy();
        });
      });
    });
  });
}
