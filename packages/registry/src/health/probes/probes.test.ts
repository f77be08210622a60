import assert from 'node:assert/strict';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { CheckDefinition, CheckKind } from '../check.ts';
import type { ProbeResult } from '../probe.ts';
import { probeLimits } from '../probe-target.ts';
import type { Instance } from '../../store.ts';
import { isForbidden } from './probe-address.ts';
import { createProbe } from './probes.ts';

const STATUS = /^\/(\d{3})$/;
const OPERATOR = 'operator:test';

describe('a check that the control plane runs', () => {
  let http: Server;
  let grpc: NetServer;
  let web = 0;
  let rpc = 0;
  let free = 0;

  before(async () => {
    http = createHttpServer((request, response) => {
      const [, code = '200'] = STATUS.exec(request.url ?? '') ?? [];
      response.statusCode = Number(code);
      if (request.url === '/endless') {
        const more = (): void =>
          void (!response.destroyed && response.write('x'.repeat(65_536), () => setImmediate(more)));
        more();
      } else if (request.url !== '/silent')
        response.end(`${request.method} ${String(request.headers['x-key'] ?? '')} ${String(request.headers.host)}`);
    });
    const server = createHttp2Server();
    server.on('stream', answerHealth);
    grpc = server;
    web = await listening(http);
    rpc = await listening(server);
    const closed = createHttpServer();
    free = await listening(closed);
    closed.close();
  });
  after(() => {
    http.closeAllConnections();
    http.close();
    grpc.close();
  });

  const cases: readonly (readonly [
    rule: string,
    kind: () => CheckKind,
    status: ProbeResult['status'],
    output: RegExp,
  ])[] = [
    ['HTTP: 200 is passing, and the body is kept', () => path('/'), 'passing', /HTTP GET \/: 200 OK Output: GET/],
    ['HTTP: every 2xx is passing', () => path('/299'), 'passing', /299/],
    ['HTTP: 429 is warning', () => path('/429'), 'warning', /429 Too Many/],
    ['HTTP: a redirect is critical, and not followed', () => path('/301'), 'critical', /301/],
    ['HTTP: 500 is critical', () => path('/500'), 'critical', /500/],
    ['HTTP: nobody listens', () => path('/', { port: free }), 'critical', /ECONNREFUSED/],
    [
      'HTTP: method and headers are those of the check',
      () => path('/', { method: 'PUT', headers: { 'x-key': 'k' } }),
      'passing',
      /PUT k 127/,
    ],
    ['HTTP: of a body without end the beginning is kept', () => path('/endless'), 'passing', /^.{4000,4300}$/],
    ['TCP: accepted', () => ({ type: 'tcp' }), 'passing', /accepted/],
    ['TCP: nobody listens', () => ({ type: 'tcp', port: free }), 'critical', /ECONNREFUSED/],
    ['gRPC: SERVING is passing', () => ({ type: 'grpc', tls: false, port: rpc }), 'passing', /the server: SERVING/],
    [
      'gRPC: the service is asked about',
      () => ({ type: 'grpc', tls: false, port: rpc, service: 'down' }),
      'critical',
      /down: NOT_SERVING/,
    ],
    [
      'gRPC: an unknown service',
      () => ({ type: 'grpc', tls: false, port: rpc, service: 'x' }),
      'critical',
      /gRPC status 5/,
    ],
    ['gRPC: a server that speaks something else', () => ({ type: 'grpc', tls: false }), 'critical', /./],
    ['TLS: a server that speaks plain HTTP', () => ({ type: 'http', scheme: 'https', path: '/' }), 'critical', /./],
    ['script: exit code 0 is passing', () => script('echo fine'), 'passing', /^fine\n$/],
    ['script: exit code 1 is warning', () => script('echo careful >&2; exit 1'), 'warning', /careful/],
    ['script: every other exit code is critical', () => script('exit 2'), 'critical', /./],
    ['script: a program that is not there', () => ({ type: 'script', args: ['/nonexistent'] }), 'critical', /ENOENT/],
    [
      'script: it sees nothing of the environment of the control plane',
      () => script('echo ${HOME-none}'),
      'passing',
      /none/,
    ],
  ];
  for (const [rule, kind, status, output] of cases)
    it(rule, async () => {
      const result = await run(kind(), { port: web });
      assert.match(result.output, output);
      assert.equal(result.status, status);
    });

  it('ends at once when it is told to', async () => {
    const late = AbortSignal.timeout(50);
    for (const kind of [path('/silent'), script('sleep 60')])
      assert.equal((await run(kind, { port: web }, late)).status, 'critical');
  });

  const aimed: readonly (readonly [rule: string, instance: Partial<Instance>, output: RegExp])[] = [
    ['an address where clouds keep metadata', { host: '169.254.169.254' }, /do not go to 169/],
    ['a name that is no address', { host: 'no.such.name.invalid' }, /cannot be resolved/],
    [
      "a name that leads elsewhere, unless it is an operator's",
      { host: 'localhost', owner: 'token:x' },
      /in no probe network/,
    ],
  ];
  for (const [rule, instance, output] of aimed)
    it(`does not go to ${rule}`, async () => {
      const result = await run({ type: 'tcp' }, { port: web, ...instance });
      assert.equal(result.status, 'critical');
      assert.match(result.output, output);
    });

  it("goes to a name of an operator's instance", async () => {
    assert.equal((await run({ type: 'tcp' }, { port: web, host: 'localhost' })).status, 'passing');
  });
});

describe('checks never go to', () => {
  for (const address of [
    '169.254.169.254',
    '::ffff:169.254.169.254',
    '0.0.0.0',
    '::',
    'fe80::1',
    '224.0.0.1',
    '255.255.255.255',
    '100.100.100.200',
    '168.63.129.16',
    'fd00:ec2::254',
    'fd20:ce::254',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b::169.254.169.254',
    '64:ff9b::100.100.100.200',
    '64:ff9b::192.0.0.192',
    '64:ff9b::168.63.129.16',
    '2002:a9fe:a9fe::1',
  ])
    it(address, () => assert.equal(isForbidden(address), true));
});

describe('checks may go to', () => {
  for (const address of ['10.0.0.1', '192.168.1.1', '127.0.0.1', 'fd00::1', '2001:db8::1'])
    it(address, () => assert.equal(isForbidden(address), false));
});

function path(where: string, more: Partial<Extract<CheckKind, { type: 'http' }>> = {}): CheckKind {
  return { type: 'http', scheme: 'http', path: where, ...more };
}

function script(words: string): CheckKind {
  return { type: 'script', args: ['sh', '-c', words] };
}

function run(kind: CheckKind, change: Partial<Instance>, signal = AbortSignal.timeout(5000)): Promise<ProbeResult> {
  const check: CheckDefinition = {
    checkId: 'c',
    name: 'c',
    kind,
    intervalMs: 1000,
    timeoutMs: 1000,
    successBeforePassing: 0,
    failuresBeforeWarning: 0,
    failuresBeforeCritical: 0,
    initialStatus: 'critical',
  };
  const instance: Instance = {
    instanceId: 'i',
    service: 'a',
    namespace: 'default',
    identity: '',
    owner: OPERATOR,
    host: '127.0.0.1',
    port: 0,
    protocol: 'http',
    labels: {},
    tags: [],
    metadata: {},
    weights: { passing: 1, warning: 1 },
    checks: [check],
    registeredAt: 0,
    ...change,
  };
  const nobody = (): never => assert.fail('no identity is needed');
  return createProbe(probeLimits([], true), nobody)(instance, check, signal);
}

async function listening(server: NetServer): Promise<number> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** `grpc.health.v1.Health/Check` as a server of any language answers: SERVING, NOT_SERVING for "down", NOT_FOUND for "x". */
function answerHealth(stream: ServerHttp2Stream): void {
  const body: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => body.push(chunk));
  stream.on('end', () => {
    const service = Buffer.concat(body).subarray(7).toString();
    if (service === 'x') {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '5' }, { endStream: true });
      return;
    }
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.from([0, 0, 0, 0, 2, 0x08, service === 'down' ? 2 : 1]));
  });
}
