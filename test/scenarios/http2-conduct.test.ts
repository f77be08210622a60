import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import type { Tools } from '../harness/laboratory.ts';
import { STRICT } from '../harness/policies.ts';
import { SidecarProcess } from '../harness/sidecar.ts';

interface Seen {
  readonly status: number;
  readonly body: string;
}

const BY_PATH_AND_HEADER = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: web, namespace: default }
spec:
  selector: { matchLabels: { app: web } }
  rules: [{ to: [{ operation: { paths: [/open], hosts: [web, "web:*"] } }], when: [{ key: "request.headers[x-team]", values: [shop] }] }]
`;

describe('servers and clients of node:http2', () => {
  let plane: ControlPlaneProcess;
  let web: Laboratory;
  let old: Laboratory;
  let users: Laboratory;

  before(async () => {
    plane = await ControlPlaneProcess.start();
    await plane.apply(STRICT);
    [web, old, users] = await Promise.all([
      Laboratory.start(plane, { serviceAccount: 'web', service: 'web' }),
      Laboratory.start(plane, { serviceAccount: 'old', service: 'old' }),
      Laboratory.start(plane, { serviceAccount: 'users' }),
    ]);
    await plane.registered('web', await web.run(serve, 'http2'));
    await plane.registered('old', await old.run(serve, 'http'));
    await until('web to answer', async () => (await get({ ':path': '/' })).status === 200);
  });

  after(async () => {
    await Promise.all([web.kill(), old.kill(), users.kill()]);
    await plane.stop();
  });

  const get = (headers: Record<string, string>, host = 'web'): Promise<Seen> => users.run(request, { host, headers });

  it('the application sees a normal path, who called and which request it is, and no claims of the caller', async () => {
    const { body } = await get({
      ':path': '/a/../b%41?q=1',
      'x-forwarded-client-cert': 'URI=spiffe://cluster.local/forged',
    });
    const seen = JSON.parse(body) as { url: string; headers: Record<string, string>; raw: string[] };
    assert.equal(seen.url, '/bA?q=1');
    const who = 'By=spiffe://cluster.local/ns/default/sa/web;URI=spiffe://cluster.local/ns/default/sa/users';
    assert.equal(seen.headers['x-forwarded-client-cert'], who);
    assert.match(seen.headers['traceparent'] ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    assert.ok(!seen.raw.some((each) => each.includes('forged')));
    assert.equal(seen.raw[seen.raw.indexOf(':path') + 1], '/bA?q=1');
  });

  it('a client of HTTP/2 behind a sidecar reaches them through its proxy', async () => {
    const sidecar = await SidecarProcess.start(plane, { serviceAccount: 'users' });
    try {
      const socket = net.connect(sidecar.announcement.proxyPort, '127.0.0.1');
      socket.write('CONNECT web:80 HTTP/1.1\r\nHost: web:80\r\n\r\n');
      const [opened] = (await once(socket, 'data')) as [Buffer];
      assert.match(opened.toString(), /^HTTP\/1\.1 200 /);
      const session = http2.connect('http://web', { createConnection: () => socket });
      const call = session.request({ ':path': '/from-afar' });
      const [headers] = (await once(call, 'response')) as [http2.IncomingHttpHeaders];
      let body = '';
      for await (const chunk of call) body += String(chunk);
      session.destroy();
      assert.equal(headers[':status'], 200);
      const seen = JSON.parse(body) as { url: string; headers: Record<string, string> };
      assert.equal(seen.url, '/from-afar');
      assert.match(
        seen.headers['x-forwarded-client-cert'] ?? '',
        /URI=spiffe:\/\/cluster\.local\/ns\/default\/sa\/users$/,
      );
    } finally {
      await sidecar.stop();
    }
  });

  it('two names for one host are no request', async () => {
    assert.equal((await get({ ':path': '/', ':authority': 'web', host: 'other' })).status, 400);
  });

  it('a path of other than visible ASCII is no request, as over HTTP/1.1', async () => {
    for (const path of ['/caf\u00e9', '/?q=\u00fc']) {
      const { status, body } = await get({ ':path': path });
      assert.equal(status, 400);
      assert.match(body, /must be visible ASCII/);
    }
  });

  it('each request of a session is judged by its own path, host and headers', async () => {
    await plane.apply(BY_PATH_AND_HEADER);
    await until('the policy to hold', async () => (await get({ ':path': '/' })).status === 403);
    assert.deepEqual(await get({ ':path': '/open' }), { status: 403, body: 'RBAC: access denied' });
    assert.equal((await get({ ':path': '/open', 'x-team': 'shop' })).status, 200);
    assert.equal((await get({ ':path': '/open', 'x-team': 'shop', ':authority': 'other' })).status, 403);
    assert.equal((await get({ ':path': '/open/../closed', 'x-team': 'shop' })).status, 403);
    await plane.admin.deleteResource({ kind: 'AuthorizationPolicy', namespace: 'default', name: 'web' });
    await until('the policy to be gone', async () => (await get({ ':path': '/' })).status === 200);
  });

  it('what is no HTTP/2 ends its session alone, and is on record', async () => {
    const DATA_OF_NO_STREAM = '000000000000000000';
    await users.run(
      ({ net }, bytes: string) =>
        new Promise<void>((resolve) => {
          const socket = net.connect({ host: 'web', port: 80 });
          socket.on('error', () => {}).on('close', () => resolve());
          socket.resume().write(Buffer.from(bytes, 'hex'));
        }),
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n').toString('hex') + '000000040000000000' + DATA_OF_NO_STREAM,
    );
    const record = await until('the record', async () =>
      (await plane.records()).find(({ response_flags: flags }) => flags === 'DPE'),
    );
    assert.deepEqual(
      [record.reporter, record.source_principal, record.protocol, record.response_code, record.request_path],
      ['destination', 'spiffe://cluster.local/ns/default/sa/users', 'HTTP/2', 0, ''],
    );
    assert.equal((await get({ ':path': '/' })).status, 200);
  });

  it('a service that speaks HTTP/1.1 says so to a client of HTTP/2', async () => {
    await assert.rejects(get({ ':path': '/' }, 'old'), /speaks HTTP\/1\.1 only/);
  });

  it('SIGTERM: the session is left, what was begun on it is finished', async () => {
    const held = get({ ':path': '/hold' });
    const next = users.run(request, { host: 'web', headers: { ':path': '/' } });
    assert.equal((await next).status, 200);
    const exit = once(web.workload.process, 'exit');
    web.workload.process.kill('SIGTERM');
    await until('the instance to leave', async () => (await plane.portsOf('web')).length === 0, 3_000);
    assert.deepEqual(await held, { status: 200, body: 'to the end' });
    assert.deepEqual(await exit, [null, 'SIGTERM']);
  });
});

/** Runs in a workload. */
function serve({ http, kept }: Tools, kind: string): Promise<number> {
  const { createServer } = process.getBuiltinModule('node:http2');
  const answer = (
    incoming: import('node:http2').Http2ServerRequest,
    response: import('node:http2').Http2ServerResponse,
  ): void => {
    const { url, headers, rawHeaders: raw } = incoming;
    if (url === '/hold') setTimeout(() => response.end('to the end'), 700);
    else response.end(JSON.stringify({ url, headers, raw }));
  };
  const server = kind === 'http2' ? createServer(answer) : http.createServer((_request, response) => response.end());
  kept['server'] = server;
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/** Runs in a workload: all requests to a host over one session. */
function request({ kept }: Tools, { host, headers }: { host: string; headers: Record<string, string> }): Promise<Seen> {
  const { connect } = process.getBuiltinModule('node:http2');
  const sessions = (kept['sessions'] ??= {}) as Record<string, import('node:http2').ClientHttp2Session>;
  let session = sessions[host];
  if (session === undefined || session.closed || session.destroyed) {
    session = connect(`http://${host}`);
    session.on('error', () => undefined);
    sessions[host] = session;
  }
  const stream = session.request(headers);
  let status = 0;
  let body = '';
  stream.setEncoding('utf8');
  stream.on('response', (answered) => (status = answered[':status'] ?? 0));
  stream.on('data', (chunk: string) => (body += chunk));
  stream.end();
  return new Promise((resolve, reject) => {
    stream.on('error', reject).on('close', () => resolve({ status, body }));
  });
}
