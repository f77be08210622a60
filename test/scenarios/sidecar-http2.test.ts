import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { Application } from '../harness/application.ts';
import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { STRICT } from '../harness/policies.ts';
import { SidecarProcess } from '../harness/sidecar.ts';
import { Workload } from '../harness/workload.ts';

interface Answer {
  readonly answer?: string | readonly string[];
  readonly code?: number;
  readonly details?: string;
}

const ONLY_ASK = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: talk, namespace: default }
spec:
  selector: { matchLabels: { app: talk } }
  rules:
  - from: [{ source: { principals: [cluster.local/ns/default/sa/users] } }]
    to: [{ operation: { methods: [POST], paths: [/test.v1.Talk/Ask] } }]
`;
const SCRIPT = 'grpc/talk.mjs';
const H2LOAD = '/usr/bin/h2load';
const MEGABYTE = 1024 * 1024;

const run = promisify(execFile);

/** Any program of any language: a server of HTTP/2 that knows nothing of the mesh. */
function application(): http2.Http2Server {
  const server = http2.createServer();
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    switch (headers[':path'] ?? '') {
      case '/large':
        stream.respond({ ':status': 200 });
        stream.end(Buffer.alloc(20 * MEGABYTE, 'x'));
        return;
      case '/broken':
        stream.respond({ ':status': 200 });
        stream.write('half', () => stream.destroy(new Error('out of paper')));
        return;
      case '/hints':
        stream.additionalHeaders({ ':status': 103, link: '</style.css>; rel=preload' });
        stream.respond({ ':status': 204 }, { endStream: true });
        return;
      default: {
        let bytes = 0;
        stream.on('data', (chunk: Buffer) => (bytes += chunk.length));
        stream.on('end', () => {
          stream.respond({ ':status': 200, 'content-type': 'application/json' });
          stream.end(JSON.stringify({ bytes, headers }));
        });
      }
    }
  });
  return server;
}

describe('HTTP/2 and gRPC through sidecars', () => {
  const app = application();
  let web: SidecarProcess;
  let plane: ControlPlaneProcess;
  let server: Application;
  let talk: SidecarProcess;
  let users: SidecarProcess;
  let client: Application;
  let inProcess: Workload;
  let other: Workload;

  before(async () => {
    [plane, server] = await Promise.all([ControlPlaneProcess.start(), Application.start(SCRIPT, { SERVES: 'yes' })]);
    await plane.apply(STRICT);
    await once(app.listen(0, '127.0.0.1'), 'listening');
    const { port } = app.address() as AddressInfo;
    [web, talk, users, inProcess, other] = await Promise.all([
      SidecarProcess.start(plane, {
        serviceAccount: 'web',
        service: 'web',
        args: ['--app-port', String(port), '--app-protocol', 'http2'],
      }),
      SidecarProcess.start(plane, {
        serviceAccount: 'talk',
        service: 'talk',
        args: ['--app-port', String(server.port), '--app-protocol', 'grpc'],
      }),
      SidecarProcess.start(plane, { serviceAccount: 'users', args: ['--socks-port', '0'] }),
      Workload.start(plane, { script: SCRIPT, serviceAccount: 'users' }),
      Workload.start(plane, { script: SCRIPT, serviceAccount: 'other', service: 'other', env: { SERVES: 'yes' } }),
    ]);
    client = await Application.start(SCRIPT, { grpc_proxy: `http://127.0.0.1:${users.announcement.proxyPort}` });
    await until('talk to answer', async () => (await call('ask', 'hello')).answer !== undefined);
  });

  after(async () => {
    app.close();
    await Promise.all([
      web.stop(),
      talk.stop(),
      users.stop(),
      server.kill(),
      client.kill(),
      inProcess.kill(),
      other.kill(),
    ]);
    await plane.stop();
  });

  const call = (kind: string, text: string, target = 'talk:80'): Promise<Answer> =>
    client.ask<Answer>({ target, kind, text });

  const kinds: readonly (readonly [kind: string, answer: string | readonly string[]])[] = [
    ['ask', 'one two three from users'],
    ['hear', ['one', 'two', 'three']],
    ['tell', 'one two three'],
    ['chat', ['ONE', 'TWO', 'THREE']],
    ['trailers', ['3']],
  ];
  for (const [kind, answer] of kinds) {
    it(`${kind}: through both sidecars`, async () => {
      assert.deepEqual(await call(kind, 'one two three'), { answer });
    });

    it(`${kind}: from a service with the mesh in its process`, async () => {
      assert.deepEqual(await inProcess.ask({ target: 'talk', kind, text: 'one two three' }), { answer });
    });

    it(`${kind}: to a service with the mesh in its process`, async () => {
      assert.deepEqual(await call(kind, 'one two three', 'other:80'), { answer });
    });
  }

  it('a deadline ends a call at the server, too', async () => {
    const before = await call('ask', 'cancelled');
    assert.equal((await call('late', 'never')).code, 4);
    await until('the server to hear of it', async () => (await call('ask', 'cancelled')).answer !== before.answer);
  });

  it('a stream that its caller cancels is cancelled at the server', async () => {
    const before = await call('ask', 'cancelled');
    assert.equal((await call('cancel', '')).code, 1);
    await until('the server to hear of it', async () => (await call('ask', 'cancelled')).answer !== before.answer);
  });

  it('both ends record each call with its path, bytes and status of gRPC, in one trace', async () => {
    assert.deepEqual(await call('ask', 'fail'), { code: 5, details: 'no such thing' });
    const records = await until('both records', async () => {
      const found = (await plane.records()).filter(({ reason }) => reason === 'grpc-status 5');
      return found.length === 2 ? found : undefined;
    });
    for (const record of records) {
      assert.equal(record.request_path, '/test.v1.Talk/Ask');
      assert.equal(record.source_principal, 'spiffe://cluster.local/ns/default/sa/users');
      assert.deepEqual([record.response_code, record.response_flags, record.protocol], [200, '-', 'HTTP/2']);
      // Five bytes before each message, and two of the field.
      assert.equal(record.bytes_received, 5 + 2 + 4);
    }
    assert.equal(new Set(records.map(({ request_id }) => request_id)).size, 1);
  });

  it('a denied call gets PERMISSION_DENIED, whatever its kind, and the others go on', async () => {
    await plane.apply(ONLY_ASK);
    await until('the policy to hold', async () => (await call('hear', 'one')).code === 7);
    for (const kind of ['tell', 'chat']) assert.equal((await call(kind, 'one two')).code, 7);
    assert.deepEqual(await call('ask', 'still'), { answer: 'still from users' });
    const record = await until('the record', async () =>
      (await plane.records()).find(({ authorization_decision }) => authorization_decision === 'DENY'),
    );
    assert.deepEqual([record.response_flags, record.reporter], ['UAEX', 'destination']);
    await plane.admin.deleteResource({ kind: 'AuthorizationPolicy', namespace: 'default', name: 'talk' });
    await until('the policy to be gone', async () => (await call('hear', 'one')).answer !== undefined);
  });

  it('curl with prior knowledge of HTTP/2, through SOCKS 5 and CONNECT', async () => {
    const { proxyPort, socksPort } = users.announcement;
    const proxies = [
      ['-x', `socks5h://127.0.0.1:${socksPort}`],
      ['-p', '-x', `http://127.0.0.1:${proxyPort}`],
    ];
    for (const proxy of proxies) {
      const { stdout } = await curl('--http2-prior-knowledge', '-d', 'lamp', ...proxy, 'http://web/x?q=1');
      const [body = '', figures] = stdout.split('\n');
      assert.equal(figures, '200 2');
      const { bytes, headers } = JSON.parse(body) as { bytes: number; headers: Record<string, string> };
      assert.deepEqual([bytes, headers[':path'], headers[':authority']], [4, '/x?q=1', 'web']);
      assert.match(headers['x-forwarded-client-cert'] ?? '', /sa\/users$/);
      assert.match(headers['traceparent'] ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    }
  });

  it('a client of HTTP/1.1 reaches a service of HTTP/2, and a WebSocket there is refused with both names', async () => {
    const proxy = ['-x', `http://127.0.0.1:${users.announcement.proxyPort}`];
    assert.match((await curl(...proxy, '-d', 'lamp', 'http://web/x')).stdout, /"bytes":4.*\n200 1\.1$/s);
    const upgrade = ['-H', 'connection: upgrade', '-H', 'upgrade: websocket'];
    const { stdout } = await curl(...proxy, ...upgrade, 'http://web/x');
    assert.match(stdout, /changes to "websocket", as HTTP\/1\.1 does it, and the service speaks HTTP\/2.*503/s);
  });

  it('a reader that is slow stalls its own stream alone', async () => {
    const session = await through(users, 'web:80');
    const slow = session.request({ ':path': '/large', ':authority': 'web' });
    await once(slow, 'response');
    for (let count = 0; count < 20; count += 1) assert.equal(await statusOf(session, '/quick'), 200);
    let bytes = 0;
    for await (const chunk of slow) bytes += (chunk as Buffer).length;
    assert.equal(bytes, 20 * MEGABYTE);
    session.destroy();
  });

  it('an answer that is broken off is broken off for its caller, with the code it came with', async () => {
    const session = await through(users, 'web:80');
    const stream = session.request({ ':path': '/broken', ':authority': 'web' });
    const [error] = (await once(stream.resume(), 'error')) as [Error];
    assert.match(error.message, /NGHTTP2_INTERNAL_ERROR/);
    session.destroy();
  });

  it('a path of other than visible ASCII is no request, as over HTTP/1.1', async () => {
    const session = await through(users, 'web:80');
    for (const path of ['/caf\u00e9', '/?q=\u00fc']) assert.equal(await statusOf(session, path), 400);
    assert.equal(await statusOf(session, '/caf%C3%A9'), 200);
    session.destroy();
  });

  it('answers that come ahead of the real one are passed on', async () => {
    const session = await through(users, 'web:80');
    const stream = session.request({ ':path': '/hints', ':authority': 'web' });
    const [hints] = (await once(stream, 'headers')) as [http2.IncomingHttpHeaders];
    assert.deepEqual([hints[':status'], hints['link']], [103, '</style.css>; rel=preload']);
    const [answer] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    assert.equal(answer[':status'], 204);
    session.destroy();
  });

  it('h2load: every request is answered', { skip: existsSync(H2LOAD) ? false : 'needs nghttp2-client' }, async () => {
    const target = `http://127.0.0.1:${users.announcement.proxyPort}/x`;
    const { stdout } = await run(H2LOAD, ['-n5000', '-c4', '-m32', '-H', ':authority: web', target]);
    assert.match(stdout, /5000 succeeded, 0 failed, 0 errored, 0 timeout/);
  });

  it('an application that is gone is UNAVAILABLE, in words', async () => {
    await server.kill();
    assert.deepEqual(await call('ask', 'anybody'), { code: 14, details: 'the application does not answer' });
  });

  it('plaintext with prior knowledge is refused under STRICT, and judged where it is let in', async () => {
    const url = `http://127.0.0.1:${web.announcement.meshPort ?? 0}/x`;
    const ask = async (): Promise<string> => (await curl('--http2-prior-knowledge', url)).stdout;
    assert.match(await ask(), /^\n?000 /);
    await plane.apply(STRICT.replace('STRICT', 'PERMISSIVE'));
    await until('plaintext to be let in', async () => (await ask()).endsWith('200 2'));
    await plane.apply(ONLY_ASK.replaceAll('talk', 'web'));
    await until('the policy to hold', async () => (await ask()) === 'RBAC: access denied\n403 2');
    await plane.admin.deleteResource({ kind: 'AuthorizationPolicy', namespace: 'default', name: 'web' });
    await until('the policy to be gone', async () => (await ask()).endsWith('200 2'));
  });

  it('a sidecar that leaves asks callers to go elsewhere, and finishes what was begun', async () => {
    const session = await through(users, 'web:80');
    const slow = session.request({ ':path': '/large', ':authority': 'web' });
    await once(slow, 'response');
    const left = web.stop();
    await until('it to leave the registry', async () => (await plane.portsOf('web')).length === 0);
    let bytes = 0;
    for await (const chunk of slow) bytes += (chunk as Buffer).length;
    assert.equal(bytes, 20 * MEGABYTE);
    assert.equal(await left, 0);
    session.destroy();
  });
});

/** The last line of what it says is the status, and the version that it came over. */
function curl(...args: string[]): Promise<{ stdout: string }> {
  const quiet = ['-s', '-m', '5', '-w', '\\n%{http_code} %{http_version}'];
  return run('curl', [...quiet, ...args]).catch((error: unknown) => error as { stdout: string });
}

/** A connection of HTTP/2 that leads through the proxy of a sidecar. */
async function through({ announcement }: SidecarProcess, host: string): Promise<http2.ClientHttp2Session> {
  const socket = net.connect(announcement.proxyPort, '127.0.0.1');
  socket.write(`CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  await once(socket, 'data');
  return http2.connect(`http://${host}`, { createConnection: () => socket });
}

async function statusOf(session: http2.ClientHttp2Session, path: string): Promise<number> {
  const stream = session.request({ ':path': path, ':authority': 'web' });
  const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
  stream.resume();
  await once(stream, 'close');
  return Number(headers[':status']);
}
