import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { settled, until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import type { Tools } from '../harness/laboratory.ts';
import { STRICT } from '../harness/policies.ts';

interface Failure {
  /** How often the request or promise failed. */
  readonly times: number;
  readonly code: string;
  readonly name: string;
  readonly message: string;
}

const CLIENTS = ['http', 'http without agent', 'fetch', 'undici'] as const;

describe('calls that lead nowhere fail as an application expects', () => {
  let plane: ControlPlaneProcess;
  let caller: Laboratory;
  const started: Laboratory[] = [];

  before(async () => {
    plane = await ControlPlaneProcess.start();
    await plane.apply(STRICT);
    caller = await Laboratory.start(plane, { serviceAccount: 'caller' });
  });

  after(async () => {
    await Promise.all([caller, ...started].map((each) => each.kill()));
    await plane.stop();
  });

  /** Calls once, by each client in its own way, and tells every failure that the program sees. */
  function fail(client: string, url: string): Promise<Failure> {
    return caller.run(
      async ({ http, undici }, { how, where }: { how: string; where: string }) => {
        const failures: (Error & { code?: string })[] = [];
        const note = (cause: unknown): void => {
          const error = cause as Error;
          failures.push(error.cause instanceof Error ? error.cause : error);
        };
        if (how === 'fetch') await fetch(where).catch(note);
        else if (how === 'undici') await undici.request(where).catch(note);
        else {
          await new Promise<void>((resolve) => {
            const request = http.get(where, how === 'http' ? {} : { agent: false }, (response) => response.resume());
            request.on('error', note).on('close', () => setImmediate(resolve));
          });
        }
        const [first] = failures;
        return {
          times: failures.length,
          code: String(first?.code),
          name: String(first?.name),
          message: String(first?.message),
        };
      },
      { how: client, where: url },
    );
  }

  async function serve(
    service: string,
    serviceAccount = service,
    port = 0,
  ): Promise<{ laboratory: Laboratory; port: number }> {
    const laboratory = await Laboratory.start(plane, { serviceAccount, service });
    started.push(laboratory);
    const bound = await laboratory.run(listen, port);
    return { laboratory, port: bound };
  }

  async function known(service: string): Promise<void> {
    await until(`${service} to be known`, () =>
      caller.run(
        (_tools, host: string) =>
          fetch(`http://${host}/`)
            .then((response) => response.ok)
            .catch(() => undefined),
        service,
      ),
    );
  }

  for (const client of CLIENTS) {
    it(`${client}: a name that the mesh does not know goes to DNS, as ever`, async () => {
      const failure = await fail(client, 'http://no-such-host.invalid/');
      assert.deepEqual([failure.times, failure.code], [1, 'ENOTFOUND']);
    });

    it(`${client}: a mesh name of no service is not given to DNS`, async () => {
      const failure = await fail(client, 'http://nobody.default.svc/');
      assert.deepEqual([failure.times, failure.name, failure.code], [1, 'RampartError', 'NOT_FOUND']);
      assert.match(failure.message, /nobody\.default\.svc is registered/);
    });
  }

  it('addresses outside the mesh are reached as ever', async () => {
    const outside = await plaintextListener(0);
    const status = await caller.run(
      (_tools, port: number) => fetch(`http://127.0.0.1:${port}/`).then((response) => response.status),
      outside.port,
    );
    assert.equal(status, 200);
    assert.match(outside.text, /^GET \/ HTTP\/1\.1/);
    outside.close();
  });

  it('a service without instances, and one on another port: a clear error, once', async () => {
    const { laboratory, port } = await serve('gone');
    await known('gone');
    for (const client of CLIENTS) {
      const wrong = await fail(client, 'http://gone:4321/');
      assert.deepEqual([wrong.times, wrong.name, wrong.code], [1, 'RampartError', 'NO_HEALTHY_INSTANCE'], client);
      assert.match(wrong.message, new RegExp(`serves port 4321 \\(known: ${port}\\)`));
    }
    await laboratory.run(close);
    await until('its instance to leave', async () => (await plane.portsOf('gone')).length === 0);
    await until(
      'the caller to hear of it',
      async () => (await fail('http', 'http://gone/')).code === 'NO_HEALTHY_INSTANCE',
    );
    for (const client of CLIENTS) {
      const failure = await fail(client, 'http://gone/?empty');
      assert.deepEqual([failure.times, failure.name, failure.code], [1, 'RampartError', 'NO_HEALTHY_INSTANCE'], client);
      assert.match(failure.message, /gone\.default\.svc: no instance of it is registered/);
    }
    await laboratory.kill();
    const records = await until('the records of calls that were not sent', async () => {
      const found = (await plane.records()).filter((record) => record.request_path === '/?empty');
      return found.length === CLIENTS.length ? found : undefined;
    });
    for (const record of records) {
      assert.deepEqual([record.reporter, record.response_code, record.response_flags], ['source', 0, 'UH']);
      assert.match(record.reason, /no instance/);
    }
  });

  it('an instance that was killed, before its lease ends: refused like any closed port', async () => {
    const { laboratory } = await serve('killed');
    await known('killed');
    await laboratory.kill('SIGKILL');
    for (const client of CLIENTS) {
      const failure = await fail(client, 'http://killed/?dead');
      // A client may still hold a pooled connection that the kernel has just closed.
      if (failure.code !== 'ECONNREFUSED')
        assert.match(failure.code, /ECONNRESET|UND_ERR_SOCKET|NO_HEALTHY_INSTANCE/, client);
      assert.equal(failure.times, 1);
      const again = await fail(client, 'http://killed/?dead');
      assert.match(again.code, /^(?:ECONNREFUSED|NO_HEALTHY_INSTANCE)$/, client);
      assert.equal(again.times, 1);
    }
    const records = await until('a record of a refused connection', async () => {
      const found = (await plane.records()).filter(
        (record) => record.request_path === '/?dead' && record.response_flags === 'UF',
      );
      return found.length > 0 ? found : undefined;
    });
    for (const record of records) assert.match(record.upstream_host, /^127\.0\.0\.1:\d+$/);
  });

  for (const client of CLIENTS) {
    it(`${client}: nothing is sent to another workload that sits on the port of the one that died`, async () => {
      const service = `victim-${CLIENTS.indexOf(client)}`;
      const { laboratory, port } = await serve(service);
      await known(service);
      await laboratory.kill('SIGKILL');
      const impostor = await serve('', 'impostor', port);
      const failure = await until('the impostor to be met', async () => {
        const met = await fail(client, `http://${service}/?secret`);
        return met.code === 'UPSTREAM_IDENTITY_MISMATCH' || met.code === 'NO_HEALTHY_INSTANCE' ? met : undefined;
      });
      assert.equal(failure.code, 'UPSTREAM_IDENTITY_MISMATCH', failure.message);
      assert.equal(failure.times, 1);
      assert.match(
        failure.message,
        /answered as spiffe:\/\/cluster\.local\/ns\/default\/sa\/impostor but the registry names/,
      );
      assert.deepEqual(await impostor.laboratory.run(({ kept }) => kept['requests']), []);
      await impostor.laboratory.kill();
    });
  }

  it('a stranger without any identity on that port gets nothing either', async () => {
    const { laboratory, port } = await serve('robbed');
    await known('robbed');
    await laboratory.kill('SIGKILL');
    const bytes = await plaintextListener(port);
    await until(
      'the stranger to be met',
      async () => (await fail('http', 'http://robbed/?secret')).code !== 'ECONNREFUSED' && bytes.count > 0,
    );
    const outcome = await settled(caller.run(() => fetch('http://robbed/?secret').then((response) => response.status)));
    assert.ok('error' in outcome);
    assert.doesNotMatch(bytes.text, /secret|GET|HTTP/);
    bytes.close();
  });
});

/** Listens on `port`; keeps the paths of what it was asked in `kept.requests`. */
async function listen({ http, events, kept }: Tools, port: number): Promise<number> {
  const requests: string[] = [];
  const server = http.createServer((request, response) => {
    requests.push(String(request.url));
    response.end('here');
  });
  kept['requests'] = requests;
  kept['server'] = server;
  server.listen(port, '127.0.0.1');
  await events.once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function close({ events, kept }: Tools): Promise<void> {
  const server = kept['server'] as Server;
  server.close();
  server.closeAllConnections();
  await events.once(server, 'close');
}

async function plaintextListener(
  port: number,
): Promise<{ readonly port: number; readonly count: number; readonly text: string; close(): void }> {
  let count = 0;
  let text = '';
  const server = createServer((socket) => {
    count += 1;
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    });
    socket.on('error', () => {});
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get count() {
      return count;
    },
    get text() {
      return text;
    },
    close: () => server.close(),
  };
}
