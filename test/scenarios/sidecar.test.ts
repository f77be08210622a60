import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { allowOnly, STRICT } from '../harness/policies.ts';
import { SidecarProcess } from '../harness/sidecar.ts';
import { Workload } from '../harness/workload.ts';

const run = promisify(execFile);
const MEGABYTES = 20;

/** What an application without a line of mesh code answers. */
interface Echo {
  readonly method: string;
  readonly url: string;
  readonly bytes: number;
  readonly headers: Readonly<Record<string, string>>;
}

function* pieces(): Generator<Buffer> {
  for (let count = 0; count < MEGABYTES; count += 1) yield Buffer.alloc(1024 * 1024, 'x');
}

/** Any program of any language: a server that knows nothing of the mesh. */
function application(): http.Server {
  const server = http.createServer((request, response) => {
    if (request.url?.startsWith('/api/large') === true) {
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      Readable.from(pieces()).pipe(response);
      return;
    }
    if (request.url === '/api/coded') {
      request.socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n');
      return;
    }
    if (request.url === '/api/broken') {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      setImmediate(() => request.socket.destroy());
      return;
    }
    let bytes = 0;
    request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    request.on('end', () => {
      const { method, url, headers } = request;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ method, url, bytes, headers }));
    });
  });
  server.on('upgrade', (_, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\n');
    socket.pipe(socket);
  });
  return server;
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  const port = await listening(server);
  await once(server.close(), 'close');
  return port;
}

async function listening(server: net.Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

describe('applications behind sidecars', () => {
  const app = application();
  const greeter = net.createServer((socket) => {
    socket.write('220 ready\n');
    socket.on('data', (chunk: Buffer) => socket.write(chunk.toString().toUpperCase()));
    socket.on('end', () => socket.end());
    socket.on('error', () => undefined);
  });
  let plane: ControlPlaneProcess;
  let orders: SidecarProcess;
  let mail: SidecarProcess;
  let users: SidecarProcess;
  let intruder: SidecarProcess;
  let inProcess: Workload;
  let echo: Workload;
  let metricsPort = 0;

  before(async () => {
    const [appPort, greeterPort] = await Promise.all([listening(app), listening(greeter)]);
    metricsPort = await freePort();
    plane = await ControlPlaneProcess.start();
    await plane.apply(
      [STRICT, allowOnly('orders-api', 'users-api'), allowOnly('echo', 'users-api'), allowMail].join('---\n'),
    );
    const serving = (service: string, ...args: string[]): Promise<SidecarProcess> =>
      SidecarProcess.start(plane, { serviceAccount: service, service, args });
    [orders, mail, users, intruder, inProcess, echo] = await Promise.all([
      serving('orders-api', '--app-port', String(appPort), '--metrics-port', '0'),
      serving('mail', '--app-port', String(greeterPort), '--app-protocol', 'tcp'),
      SidecarProcess.start(plane, {
        serviceAccount: 'users-api',
        args: ['--metrics-port', '0', '--socks-port', '0', '--dns-port', '0', '--dns-forward', '127.0.0.1:9'],
      }),
      SidecarProcess.start(plane, { serviceAccount: 'batch' }),
      Workload.start(plane, { script: 'caller.mjs', serviceAccount: 'users-api' }),
      Workload.start(plane, {
        script: 'echo.mjs',
        serviceAccount: 'echo',
        service: 'echo',
        env: { RAMPART_METRICS_PORT: String(metricsPort) },
      }),
    ]);
    await until('users-api to know its services', async () => {
      const { status } = await ask(users, 'http://orders-api/api/x');
      return status === 200 && (await ask(users, 'http://echo/api/x')).status === 200;
    });
  });

  after(async () => {
    await Promise.all([orders.stop(), mail.stop(), users.stop(), intruder.stop(), inProcess.kill(), echo.kill()]);
    app.close();
    app.closeAllConnections();
    greeter.close();
    await plane.stop();
  });

  it('a request goes through both proxies, with identity, trace and policy', async () => {
    const { status, body } = await ask(users, 'http://orders-api/api/orders?x=1', { method: 'POST', body: 'lamp' });
    assert.equal(status, 200, body);
    const seen = JSON.parse(body) as Echo;
    assert.equal(seen.method, 'POST');
    assert.equal(seen.url, '/api/orders?x=1');
    assert.equal(seen.bytes, 4);
    assert.equal(seen.headers['host'], 'orders-api');
    assert.match(
      seen.headers['x-forwarded-client-cert'] ?? '',
      /URI=spiffe:\/\/cluster\.local\/ns\/default\/sa\/users-api$/,
    );
    assert.match(seen.headers['traceparent'] ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  it("each end counts by Istio's names and labels, in a sidecar and in a process", async () => {
    await ask(users, 'http://orders-api/api/metrics');
    await ask(users, 'http://orders-api/forbidden');
    await ask(users, 'http://echo/api/metrics');
    const [source, destination, process] = await Promise.all([
      users.metrics(),
      orders.metrics(),
      fetch(`http://127.0.0.1:${metricsPort}/metrics`).then((answer) => answer.text()),
    ]);
    for (const [text, parts] of [
      [source, ['reporter="source"', 'destination_service="orders-api.default.svc"', 'response_code="200"']],
      [source, ['source_workload="users-api"', 'destination_workload="echo"', 'request_protocol="http"']],
      [destination, ['reporter="destination"', 'source_workload="users-api"', 'response_code="200"']],
      [destination, ['response_code="403"', 'response_flags="UAEX"', 'connection_security_policy="mutual_tls"']],
      [process, ['destination_service="echo.default.svc"', 'source_workload="users-api"', 'response_code="200"']],
    ] as const) {
      const found = text.split('\n').filter((line) => line.startsWith('istio_requests_total{'));
      assert.ok(
        found.some((line) => parts.every((part) => line.includes(part))),
        `${parts.join()} in ${found.join('\n')}`,
      );
    }
    assert.match(source, /^rampart_links\{direction="outbound"\} [1-9]/m);
    assert.match(destination, /^rampart_links\{direction="inbound"\} [1-9]/m);
    assert.equal((await fetch(`http://127.0.0.1:${orders.announcement.metricsPort}/healthz/ready`)).status, 200);
  });

  it('each hop is a span of the trace of the application, sampled as that says', async () => {
    const [traceId, span] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'];
    const headers = { traceparent: `00-${traceId}-${span}-00`, tracestate: 'vendor=1' };
    const { body } = await ask(users, 'http://orders-api/api/spans', { headers });
    const seen = (JSON.parse(body) as Echo).headers;
    const records = await until('both records', async () => {
      const found = (await plane.records()).filter(({ trace_id: id }) => id === traceId);
      return found.length === 2 && found;
    });
    const [source, destination] = ['source', 'destination'].map((end) => records.find((each) => each.reporter === end));
    assert.equal(source?.parent_span_id, span);
    assert.equal(destination?.parent_span_id, source.span_id);
    assert.equal(seen['traceparent'], `00-${traceId}-${destination.span_id}-00`);
    assert.equal(seen['tracestate'], 'vendor=1');
  });

  it('a trace that cannot be read is begun anew, without its state', async () => {
    const headers = { traceparent: `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, tracestate: 'vendor=1' };
    const { body } = await ask(users, 'http://orders-api/api/x', { headers });
    const seen = (JSON.parse(body) as Echo).headers;
    assert.match(seen['traceparent'] ?? '', /^00-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    assert.equal(seen['tracestate'], undefined);
  });

  it('a request without a body arrives without one', async () => {
    const socket = net.connect(users.announcement.proxyPort, '127.0.0.1');
    socket.write('GET /api/x HTTP/1.1\r\nHost: orders-api\r\nConnection: close\r\n\r\n');
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    assert.match(answer, /"bytes":0/);
    assert.doesNotMatch(answer, /transfer-encoding":"chunked/);
  });

  it('requests that are refused at once may come by the thousand', async () => {
    const socket = net.connect(intruder.announcement.proxyPort, '127.0.0.1');
    const count = 5_000;
    socket.write('GET http://nobody.default.svc/ HTTP/1.1\r\nHost: n\r\n\r\n'.repeat(count));
    let answers = 0;
    socket.on('data', (chunk: Buffer) => (answers += chunk.toString('latin1').split('HTTP/1.1 503').length - 1));
    await until('all answers', () => answers >= count - 100);
    socket.destroy();
  });

  it('what policy does not allow is denied as Envoy does it, and says whose policy it was on the record', async () => {
    assert.deepEqual(await ask(intruder, 'http://orders-api/api/x'), { status: 403, body: 'RBAC: access denied' });
    assert.deepEqual(await ask(users, 'http://orders-api/admin'), { status: 403, body: 'RBAC: access denied' });
    await until('both ends to have recorded it', async () => {
      const records = await plane.records();
      return records.some(
        (record) =>
          record.authorization_decision === 'DENY' &&
          record.request_path === '/admin' &&
          record.reporter === 'destination' &&
          record.source_principal.endsWith('/users-api'),
      );
    });
  });

  it('both ends record one request id', async () => {
    await ask(users, 'http://orders-api/api/traced', { headers: { 'x-request-id': 'order-66' } });
    await until('both records', async () => {
      const records = (await plane.records()).filter(({ request_path: path }) => path === '/api/traced');
      const ends = new Set(records.filter(({ request_id: id }) => id === 'order-66').map(({ reporter }) => reporter));
      return ends.has('source') && ends.has('destination');
    });
  });

  it('services with the mesh in their process are called, and call', async () => {
    const there = await ask(users, 'http://echo/api/there', { method: 'POST', body: 'abc' });
    assert.equal(there.status, 200, there.body);
    const answer = await inProcess.ask<{ status?: number }>({ url: 'http://orders-api/api/back' });
    assert.equal(answer.status, 200, JSON.stringify(answer));
  });

  it('large answers come whole, and a caller that reads slowly stalls nobody else', async () => {
    const slow = http.get(requestOf(users, 'http://orders-api/api/large'));
    const [response] = (await once(slow, 'response')) as [http.IncomingMessage];
    response.pause();
    const started = performance.now();
    assert.equal((await ask(users, 'http://orders-api/api/quick')).status, 200);
    assert.ok(performance.now() - started < 5_000);
    let bytes = 0;
    response.on('data', (chunk: Buffer) => (bytes += chunk.length)).resume();
    await once(response, 'end');
    assert.equal(bytes, MEGABYTES * 1024 * 1024);
  });

  it('an application that breaks off in the middle of its answer is seen to have done so', async () => {
    await assert.rejects(ask(users, 'http://orders-api/api/broken'));
  });

  it('connections change their protocol', async () => {
    const request = http.request({
      ...requestOf(users, 'http://orders-api/api/socket'),
      headers: { host: 'orders-api', connection: 'upgrade', upgrade: 'echo' },
    });
    request.end();
    const [response, socket] = (await once(request, 'upgrade')) as [http.IncomingMessage, net.Socket];
    assert.equal(response.statusCode, 101);
    socket.write('there and back');
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    assert.equal(chunk.toString(), 'there and back');
    socket.destroy();
  });

  it('a caller of HTTP/1.0 is told that its connection ends', async () => {
    const socket = net.connect(users.announcement.proxyPort, '127.0.0.1');
    socket.write('GET /api/x HTTP/1.0\r\nHost: orders-api\r\nConnection: keep-alive\r\n\r\n');
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    assert.match(answer, /connection: close/);
  });

  it('what leaves the mesh is on record as what was allowed to', async () => {
    const { port } = app.address() as AddressInfo;
    assert.equal((await ask(users, `http://127.0.0.1:${port}/api/outside`)).status, 200);
    await until('the record', async () =>
      (await plane.records()).some(
        (record) =>
          record.request_path === '/api/outside' &&
          record.reporter === 'source' &&
          record.authorization_decision === 'ALLOW',
      ),
    );
  });

  it('a port that is taken is named, and nothing is left behind', async () => {
    const taken = String(users.announcement.proxyPort);
    const start = SidecarProcess.start(plane, { serviceAccount: 'batch', args: ['--proxy-port', taken] });
    await assert.rejects(start, new RegExp(`ended with 3: .*port ${taken} of 127\\.0\\.0\\.1 is in use`, 's'));
  });

  it('names that the mesh does not have, and ports that nobody serves, say so', async () => {
    const unknown = await ask(users, 'http://nobody.default.svc/');
    assert.equal(unknown.status, 503);
    assert.match(unknown.body, /NOT_FOUND/);
    const wrongPort = await ask(users, 'http://orders-api:9/');
    assert.equal(wrongPort.status, 503);
    assert.match(wrongPort.body, /no instance of it serves port 9/);
  });

  const ambiguous: readonly (readonly [string, string])[] = [
    ['two lengths', 'POST /api/x HTTP/1.1\r\nHost: orders-api\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    [
      'length and chunks',
      'POST /api/x HTTP/1.1\r\nHost: orders-api\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a bare line feed', 'GET /api/x HTTP/1.1\nHost: orders-api\n\n'],
    ['a folded line', 'GET /api/x HTTP/1.1\r\nHost: orders-api\r\nA: b\r\n c\r\n\r\n'],
    ['NUL', 'GET /api/x HTTP/1.1\r\nHost: orders-api\r\nA: b\0c\r\n\r\n'],
    ['chunks in HTTP/1.0', 'POST /api/x HTTP/1.0\r\nHost: orders-api\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a tunnel without a port', 'CONNECT nowhere HTTP/1.1\r\n\r\n'],
    ['two hosts', 'GET /api/x HTTP/1.1\r\nHost: orders-api\r\nHost: other\r\n\r\n'],
    ['no host', 'GET /api/x HTTP/1.1\r\n\r\n'],
  ];
  for (const [name, text] of ambiguous) {
    it(`a request with ${name} is refused with 400 and the connection closed`, async () => {
      const socket = net.connect(users.announcement.proxyPort, '127.0.0.1');
      socket.write(text, 'latin1');
      let answer = '';
      for await (const chunk of socket) answer += String(chunk);
      assert.match(answer, /^HTTP\/1\.1 400 /);
    });
  }

  it('headers beyond the limit are refused with 431, and what could not be read is on record', async () => {
    const socket = net.connect(users.announcement.proxyPort, '127.0.0.1');
    socket.write(`GET /api/x HTTP/1.1\r\nHost: orders-api\r\nA: ${'x'.repeat(70_000)}\r\n\r\n`);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    assert.match(answer, /^HTTP\/1\.1 431 /);
    await until('the records', async () => {
      const unread = (await plane.records()).filter(
        ({ reporter, response_flags: flags }) => reporter === 'source' && flags === 'DPE',
      );
      const isThere = (code: number, reason: RegExp): boolean =>
        unread.some((record) => record.response_code === code && reason.test(record.reason));
      return isThere(431, /headers/) && isThere(400, /its first line must be "CONNECT/);
    });
  });

  it('as many headers as one sidecar takes arrive, though it adds some of its own', async () => {
    const sent = Object.fromEntries(Array.from({ length: 96 }, (_, index) => [`x-header-${index}`, 'x']));
    const { status, body } = await ask(users, 'http://orders-api/api/x', { headers: sent });
    assert.equal(status, 200, body);
    assert.equal((JSON.parse(body) as Echo).headers['x-header-95'], 'x');
  });

  it('what is meant for the proxy goes no further', async () => {
    const headers = { 'proxy-authorization': 'Basic dXNlcjpzZWNyZXQ=', authorization: 'Basic YTpi' };
    const seen = JSON.parse((await ask(users, 'http://orders-api/api/x', { headers })).body) as Echo;
    assert.equal(seen.headers['proxy-authorization'], undefined);
    assert.equal(seen.headers['authorization'], headers.authorization);
  });

  it('an answer whose coding would be lost is refused, and its end says why', async () => {
    const answer = await ask(users, 'http://orders-api/api/coded');
    assert.deepEqual(
      [answer.status, answer.body],
      [502, 'the answer of the application is not HTTP as it should be\n'],
    );
    await until('the record', async () =>
      (await plane.records()).find(
        ({ reporter, response_flags: flags, reason }) =>
          reporter === 'destination' && flags === 'UPE' && /Transfer-Encoding/.test(reason),
      ),
    );
  });

  it('requests of one connection are answered in order, however they come', async () => {
    const socket = net.connect(users.announcement.proxyPort, '127.0.0.1');
    const one = (path: string, last = ''): string => `GET ${path} HTTP/1.1\r\nHost: orders-api\r\n${last}\r\n`;
    socket.write(`${one('/api/1')}${one('/api/2')}${one('/api/3', 'Connection: close\r\n')}`);
    let answers = '';
    for await (const chunk of socket) answers += String(chunk);
    assert.deepEqual(
      [...answers.matchAll(/"url":"(\/api\/\d)"/g)].map(([, url]) => url),
      ['/api/1', '/api/2', '/api/3'],
    );
  });

  it('curl goes through the proxy, by CONNECT and by SOCKS 5', async () => {
    const { proxyPort, socksPort } = users.announcement;
    const curl = async (...args: string[]): Promise<string> =>
      (await run('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', ...args, 'http://orders-api/api/x'])).stdout;
    assert.equal(await curl('-x', `http://127.0.0.1:${proxyPort}`), '200');
    assert.equal(await curl('-p', '-x', `http://127.0.0.1:${proxyPort}`), '200');
    assert.equal(await curl('-x', `socks5h://127.0.0.1:${socksPort}`), '200');
  });

  it('TLS of the application is told to leave that to the mesh, on record', async () => {
    const advice = (where: string): RegExp => new RegExp(`call http://${where}/ in plaintext`);
    const connect = async (where: string, then: Buffer): Promise<string> => {
      const socket = net.connect(users.announcement.proxyPort, '127.0.0.1');
      socket.write(Buffer.concat([Buffer.from(`CONNECT ${where} HTTP/1.1\r\nHost: ${where}\r\n\r\n`), then]));
      let text = '';
      for await (const chunk of socket) text += String(chunk);
      return text;
    };
    const refused = await connect('orders-api:443', Buffer.alloc(0));
    assert.match(refused, /^HTTP\/1\.1 400 /);
    assert.match(refused, advice('orders-api'));
    const inside = await connect('orders-api:80', Buffer.from([22, 3, 1, 0, 200, 1]));
    assert.match(inside, /^HTTP\/1\.1 200 .*\r\n\r\nHTTP\/1\.1 400 /);
    assert.match(inside, advice('orders-api:80'));
    await until('both records', async () => {
      const records = (await plane.records()).filter(({ response_flags: flags }) => flags === 'DPE');
      return records.filter(({ reason }) => advice('orders-api(:80)?').test(reason)).length === 2;
    });
  });

  it('a service without HTTP that speaks first is reached by SOCKS 5, under policy', async () => {
    const telnet = (proxyPort: number): Promise<{ stdout: string }> =>
      run('curl', ['-s', '-m', '5', '-p', '-x', `http://127.0.0.1:${proxyPort}`, 'telnet://mail:80'], {}).catch(
        (error: unknown) => error as { stdout: string },
      );
    const socket = net.connect(users.announcement.proxyPort, '127.0.0.1');
    socket.write('CONNECT mail:80 HTTP/1.1\r\nHost: mail:80\r\n\r\n');
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await until('the server to speak first', () => text.includes('220 ready'));
    socket.write('helo\n');
    await until('its answer', () => text.includes('HELO'));
    socket.end();
    await once(socket, 'close');
    assert.doesNotMatch((await telnet(intruder.announcement.proxyPort)).stdout, /220 ready/);
    await until('both ends to have recorded one trace', async () => {
      const records = (await plane.records()).filter(
        ({ protocol, bytes_received: bytes }) => protocol === 'TCP' && bytes === 'helo\n'.length,
      );
      const [one, other] = records;
      return records.length === 2 && one?.trace_id === other?.trace_id && one?.span_id !== other?.span_id;
    });
  });

  it('a sidecar that is asked to leave goes out of the registry, and ends with 0', async () => {
    const leaving = await SidecarProcess.start(plane, {
      serviceAccount: 'orders-api',
      service: 'orders-api',
      args: ['--app-port', String((app.address() as AddressInfo).port)],
    });
    assert.equal(await leaving.stop(), 0);
    assert.equal((await plane.portsOf('orders-api')).includes(leaving.announcement.meshPort ?? 0), false);
    for (let count = 0; count < 20; count += 1) assert.equal((await ask(users, 'http://orders-api/api/x')).status, 200);
  });
});

const allowMail = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: mail, namespace: default }
spec:
  selector: { matchLabels: { app: mail } }
  action: ALLOW
  rules: [{ from: [{ source: { principals: ["cluster.local/ns/default/sa/users-api"] } }] }]
`;

function requestOf(sidecar: SidecarProcess, url: string): http.RequestOptions {
  const { host } = new URL(url);
  return { host: '127.0.0.1', port: sidecar.announcement.proxyPort, path: url, headers: { host }, agent: false };
}

interface Message {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

async function ask(
  sidecar: SidecarProcess,
  url: string,
  { method = 'GET', body = '', headers = {} }: Message = {},
): Promise<{ readonly status: number; readonly body: string }> {
  const options = requestOf(sidecar, url);
  const request = http.request({ ...options, method, headers: { host: new URL(url).host, ...headers } });
  request.end(body);
  // Once there is an answer, its reader is told.
  request.once('response', () => request.on('error', () => undefined));
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode ?? 0, body: text };
}
