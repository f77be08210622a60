import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';

import type { AccessLogRecord } from '@rampart/core';
import { until } from '@rampart/testkit';

import { DENY_BODY, SampleAuthorizer } from '../harness/authorizer.ts';
import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import type { Tools, WebSocketLike } from '../harness/laboratory.ts';
import { STRICT } from '../harness/policies.ts';
import { SidecarProcess } from '../harness/sidecar.ts';

interface Upgraded {
  readonly status: number;
  readonly text: string;
}

describe('requests that an external authorizer is asked about', () => {
  let plane: ControlPlaneProcess;
  let sample: SampleAuthorizer;
  let chat: Laboratory;
  /** Serves HTTP/2. */
  let modern: Laboratory;
  const behindSidecar = createServer((request, response) => {
    request.resume().on('end', () => response.end('modern'));
  });
  let aside: SidecarProcess;
  let caller: Laboratory;

  const policies = (name: 'http' | 'grpc'): string => `apiVersion: rampart.dev/v1
kind: MeshConfig
metadata: { name: default, namespace: istio-system }
spec:
  extensionProviders:
  - name: http
    envoyExtAuthzHttp: { service: 127.0.0.1, port: ${sample.httpPort}, timeout: 20s, includeRequestHeadersInCheck: [x-ext-authz], headersToUpstreamOnAllow: [x-ext-authz-check-result], includeRequestBodyInCheck: { maxRequestBytes: 1000 } }
  - name: grpc
    envoyExtAuthzGrpc: { service: 127.0.0.1, port: ${sample.grpcPort}, timeout: 20s, includeRequestBodyInCheck: { maxRequestBytes: 1000 } }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ask, namespace: default }
spec:
  action: CUSTOM
  provider: { name: ${name} }
  rules: [{ to: [{ operation: { notPaths: ["/public/*"] } }] }]
`;

  const ask = async (name: 'http' | 'grpc'): Promise<void> => {
    const { revision } = await plane.admin.apply({ document: policies(name), file: 'custom.yaml' });
    await until(`revision ${revision} to be enforced`, async () => {
      const { planes } = await plane.admin.getStatus({});
      return planes.every(({ ackedRevision }) => ackedRevision >= revision);
    });
  };

  const recordOf = (path: string): Promise<AccessLogRecord> =>
    until(`the record of ${path}`, async () =>
      (await plane.records()).find((each) => each.request_path === path && each.reporter === 'destination'),
    );

  /** Opens a WebSocket with a header, or tells how it was refused. */
  const upgrade = (path: string, header: string): Promise<Upgraded> =>
    caller.run(
      ({ ws }, argument) =>
        new Promise<Upgraded>((resolve, reject) => {
          const headers = { 'x-ext-authz': argument.header, 'x-ext-authz-check-result': 'spoofed' };
          const socket = new ws.WebSocket(`ws://chat${argument.path}`, { headers });
          socket.on('message', (data: Buffer) => {
            resolve({ status: 101, text: data.toString() });
            socket.close();
          });
          socket.on('unexpected-response', (_request: unknown, response: import('node:http').IncomingMessage) => {
            let text = '';
            response.on('data', (chunk: Buffer) => (text += chunk.toString()));
            response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
          });
          socket.on('error', reject);
        }),
      { path, header },
    );

  /** Paths that the authorizer was asked about. */
  const asked = (): string[] => [
    ...sample.overHttp.map(({ url }) => url),
    ...sample.overGrpc.map(({ attributes }) => attributes?.request?.http?.path ?? ''),
  ];

  const served = (): Promise<string[]> => chat.run(({ kept }) => kept['served'] as string[]);

  before(async () => {
    sample = await SampleAuthorizer.start();
    plane = await ControlPlaneProcess.start();
    await plane.apply(STRICT);
    [chat, modern, caller] = await Promise.all([
      Laboratory.start(plane, { serviceAccount: 'chat', service: 'chat' }),
      Laboratory.start(plane, { serviceAccount: 'modern', service: 'modern' }),
      Laboratory.start(plane, { serviceAccount: 'caller' }),
    ]);
    const port = await chat.run(async ({ http, ws, events, kept }) => {
      const seen: string[] = [];
      kept['served'] = seen;
      const begun = new Map<string, import('node:http').IncomingMessage>();
      kept['begun'] = begun;
      // Node's own word for a request whose head has been read, whoever holds it.
      process.getBuiltinModule('node:diagnostics_channel').subscribe('http.server.request.start', (message) => {
        const { request } = message as { readonly request: import('node:http').IncomingMessage };
        begun.set(request.url ?? '', request);
      });
      const listener = http.createServer((request, response) => {
        seen.push(request.url ?? '');
        response.end('plain');
      });
      listener.on('checkContinue', (request, response) => {
        response.writeContinue();
        listener.emit('request', request, response);
      });
      const sockets = new ws.WebSocketServer({ server: listener });
      sockets.on('connection', (socket: WebSocketLike, request: import('node:http').IncomingMessage) => {
        socket.send(String(request.headers['x-ext-authz-check-result']));
      });
      listener.listen(0, '127.0.0.1');
      await events.once(listener, 'listening');
      return (listener.address() as import('node:net').AddressInfo).port;
    });
    const http2Port = await modern.run(
      () =>
        new Promise<number>((resolve) => {
          const server = process.getBuiltinModule('node:http2').createServer((request, response) => {
            request.resume().on('end', () => response.end('modern'));
          });
          server.listen(0, '127.0.0.1', () => resolve((server.address() as import('node:net').AddressInfo).port));
        }),
    );
    await plane.registered('chat', port);
    await plane.registered('modern', http2Port);
    await once(behindSidecar.listen(0, '127.0.0.1'), 'listening');
    const appPort = String((behindSidecar.address() as AddressInfo).port);
    const args = ['--app-port', appPort, '--app-protocol', 'http2'];
    aside = await SidecarProcess.start(plane, { serviceAccount: 'aside', service: 'aside', args });
    await until('chat to be known', () =>
      caller.run(() =>
        fetch('http://chat/public/')
          .then((response) => response.ok)
          .catch(() => undefined),
      ),
    );
  });

  afterEach(() => {
    sample.conduct = 'answers';
  });

  after(async () => {
    sample.stop();
    await Promise.all([chat.kill(), modern.kill(), caller.kill(), aside.stop()]);
    behindSidecar.close();
    await plane.stop();
  });

  for (const transport of ['http', 'grpc'] as const) {
    describe(`over ${transport}`, () => {
      before(() => ask(transport));

      const lastBody = (): string | undefined =>
        transport === 'http' ? sample.overHttp.at(-1)?.body : sample.overGrpc.at(-1)?.attributes?.request?.http?.body;

      it('an upgrade passes when it is allowed, with the headers that the authorizer sets', async () => {
        assert.deepEqual(await upgrade(`/upgrade-${transport}`, 'allow'), { status: 101, text: 'allowed' });
      });

      it('an upgrade is answered with what the authorizer denies with', async () => {
        assert.deepEqual(await upgrade(`/refused-${transport}`, 'no'), { status: 403, text: DENY_BODY });
        const record = await recordOf(`/refused-${transport}`);
        assert.equal(record.authorization_policy, 'default/ask');
        assert.equal(record.response_flags, 'UAEX');
      });

      for (const header of ['X-Ext-Authz', 'x-ext-authz']) {
        it(`a header that was sent twice, once as ${header}, is not taken for the one that allows`, async () => {
          const status = await caller.run(({ http, events }, name) => {
            const headers = ['Host', 'chat', name, 'no', 'x-ext-authz', 'allow'];
            const request = http.request({ host: 'chat', path: '/twice', headers }).end();
            return events.once(request, 'response').then(([response]: import('node:http').IncomingMessage[]) => {
              response?.resume();
              return response?.statusCode;
            });
          }, header);
          assert.equal(status, 403);
        });
      }

      it('a caller that goes away meanwhile is on record as gone, and its request never reaches the application', async () => {
        sample.conduct = 'hangs';
        const before = asked().length;
        await caller.run(({ http, kept }, path) => {
          const request = http.request({ host: 'chat', path, headers: { 'x-ext-authz': 'allow' }, agent: false });
          request.on('error', () => {});
          request.end();
          kept['waiting'] = request;
        }, `/gone-${transport}`);
        await until('the authorizer to be asked', () => asked().length > before);
        await caller.run(({ kept }) => {
          (kept['waiting'] as import('node:http').ClientRequest).destroy();
        });
        const record = await recordOf(`/gone-${transport}`);
        assert.deepEqual([record.response_code, record.response_flags], [0, 'DC']);
        assert.equal(record.authorization_decision, 'DENY');
        assert.ok(!(await served()).includes(`/gone-${transport}`));
      });

      it('a caller that waits to be told is told to send its body, where the application would tell it', async () => {
        const text = await caller.run(
          ({ net }, path) =>
            new Promise<string>((resolve) => {
              const socket = net.connect({ host: 'chat', port: 80 });
              let read = '';
              socket.on('data', (chunk) => {
                if (read === '') socket.write('hello');
                read += chunk.toString('latin1');
              });
              socket.on('error', () => {}).on('close', () => resolve(read));
              const head = `POST ${path} HTTP/1.1\r\nhost: chat\r\nx-ext-authz: allow\r\nconnection: close`;
              socket.write(`${head}\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n`);
            }),
          `/told-${transport}`,
        );
        assert.match(text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
      });

      it('so is a caller of HTTP/2', async () => {
        const heard = await caller.run(
          (_tools, path) =>
            new Promise<readonly unknown[]>((resolve, reject) => {
              const session = process.getBuiltinModule('node:http2').connect('http://modern');
              session.on('error', reject);
              const asked = { ':method': 'POST', ':path': path, 'x-ext-authz': 'allow', expect: '100-continue' };
              const stream = session.request(asked, { endStream: false });
              let told = false;
              stream.on('continue', () => {
                told = true;
                stream.end('hello');
              });
              stream.on('response', (headers) => {
                resolve([told, headers[':status']]);
                session.destroy();
              });
            }),
          `/told-http2-${transport}`,
        );
        assert.deepEqual(heard, [true, 200]);
        assert.equal(lastBody(), 'hello');
      });

      for (const [host, where] of [
        ['modern', 'in process'],
        ['aside', 'behind a sidecar'],
      ] as const)
        it(`a body over HTTP/2, which no header announces, is shown to the authorizer, and a long one refused: ${where}`, async () => {
          const send = (body: string): Promise<unknown> => caller.run(sendOverHttp2, { host, body });
          assert.equal(await send('whole'), 200);
          assert.equal(lastBody(), 'whole');
          assert.equal(await send('x'.repeat(2000)), 413);
          assert.equal(await send(''), 200);
          assert.equal(lastBody(), '');
        });

      it('a body that comes late is waited for', async () => {
        const path = `/slow-${transport}`;
        await caller.run(({ net, kept }, path) => {
          const socket = net.connect({ host: 'chat', port: 80 });
          let read = '';
          socket.on('data', (chunk) => (read += chunk.toString('latin1')));
          socket.on('error', () => {});
          kept['answer'] = new Promise<string>((resolve) => socket.on('close', () => resolve(read)));
          kept['sender'] = socket;
          const head = `POST ${path} HTTP/1.1\r\nhost: chat\r\nx-ext-authz: allow\r\nconnection: close\r\ncontent-length: 10`;
          socket.write(`${head}\r\n\r\nabc`);
        }, path);
        await until('somebody to look at the first bytes of the body', () =>
          chat.run(({ kept }, path) => {
            const message = (kept['begun'] as Map<string, import('node:http').IncomingMessage>).get(path);
            return message?.readableDidRead === true;
          }, path),
        );
        assert.ok(!asked().includes(path), 'asked before the body was there');
        const text = await caller.run(({ kept }) => {
          (kept['sender'] as import('node:net').Socket).write('defghij');
          return kept['answer'] as Promise<string>;
        });
        assert.match(text, /^HTTP\/1\.1 200 /);
        assert.ok(asked().includes(path));
        assert.ok((await served()).includes(path));
      });
    });
  }
});

/** Runs in a workload; resolves with the status. */
function sendOverHttp2(_tools: Tools, { host, body }: { host: string; body: string }): Promise<unknown> {
  const session = process.getBuiltinModule('node:http2').connect(`http://${host}`);
  const stream = session.request({ ':method': 'POST', ':path': '/unannounced', 'x-ext-authz': 'allow' });
  stream.end(body);
  return new Promise<unknown>((resolve, reject) => {
    stream.on('error', reject).on('response', (headers) => {
      resolve(headers[':status']);
      session.destroy();
    });
  });
}
