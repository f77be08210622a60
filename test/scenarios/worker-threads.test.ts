import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import { allowOnly, STRICT } from '../harness/policies.ts';
import { runProgram } from '../harness/program.ts';

interface Hello {
  readonly port: number;
  readonly ports: readonly number[];
}

describe('threads of a process are members of the mesh as it is', () => {
  let plane: ControlPlaneProcess;
  let caller: Laboratory;
  let service: Laboratory;
  let hello: Hello;

  before(async () => {
    plane = await ControlPlaneProcess.start();
    await plane.apply(STRICT);
    [caller, service] = await Promise.all([
      Laboratory.start(plane, { serviceAccount: 'caller' }),
      Laboratory.start(plane, { serviceAccount: 'threads', service: 'threads' }),
    ]);
    hello = await service.run(startThreads, SERVE);
    await until('all three ports to be registered', async () => (await plane.portsOf('threads')).length === 3);
    await until('threads to be known', async () => (await status(`http://threads:${hello.port}/`)) === 200);
  });

  after(async () => {
    await Promise.all([caller.kill(), service.kill()]);
    await plane.stop();
  });

  const status = (url: string): Promise<number | string> => caller.run(call, url);

  it('each port is an instance, behind mutual TLS, with a record of every call', async () => {
    const [first = 0, second = 0] = hello.ports;
    assert.equal(await status(`http://threads:${first}/first`), 200);
    assert.equal(await status(`http://threads:${second}/second`), 200);
    await assert.rejects(fetch(`http://127.0.0.1:${first}/`), 'plaintext under STRICT');
    await until('both records', async () => {
      const served = (await plane.records()).filter(({ reporter }) => reporter === 'destination');
      return ['/first', '/second'].every((path) => served.some(({ request_path }) => request_path === path));
    });
    assert.ok((await plane.refusals()).some(({ local_port }) => local_port === first));
  });

  it('threads call with the identity of their process', async () => {
    assert.equal(await status(`http://threads:${hello.ports[0] ?? 0}/call?port=${hello.port}`), 200);
    const record = await until('the record of the call', async () =>
      (await plane.records()).find((each) => each.reporter === 'source' && each.request_path === '/from-a-thread'),
    );
    assert.equal(record.source_principal, 'spiffe://cluster.local/ns/default/sa/threads');
    assert.equal(record.response_code, 200);
  });

  it('a change of policy holds in every thread', async () => {
    await plane.apply(allowOnly('threads', 'nobody'));
    for (const port of [hello.port, ...hello.ports]) {
      await until('the policy to hold', async () => (await status(`http://threads:${port}/`)) === 403);
    }
    await plane.admin.deleteResource({ kind: 'AuthorizationPolicy', namespace: 'default', name: 'threads-policy' });
    for (const port of [hello.port, ...hello.ports]) {
      await until('the policy to be gone', async () => (await status(`http://threads:${port}/`)) === 200);
    }
  });

  it('a limit that is shared is one for all threads', async () => {
    await plane.apply(`apiVersion: rampart.dev/v1
kind: RateLimit
metadata: { name: threads, namespace: default }
spec:
  selector: { matchLabels: { app: threads } }
  rules: [{ name: limited, match: [{ paths: [/limited] }], requests: 30, unit: HOUR, shared: true }]
`);
    const storm = (port: number, path: string, count: number): Promise<(number | string)[]> =>
      Promise.all(Array.from({ length: count }, () => status(`http://threads:${port}${path}`)));
    await until('the limit to hold everywhere', async () => (await storm(hello.port, '/limited', 31)).includes(429));
    const ports = [hello.port, ...hello.ports];
    const answers = (await Promise.all(ports.map((port) => storm(port, '/limited', 20)))).flat();
    assert.deepEqual([...new Set(answers)], [429]);
  });

  it('a breaker that opens in a thread is known to the control plane', async () => {
    const openBreakers = async (): Promise<readonly string[]> => {
      for await (const { services } of plane.admin.watchTraffic({ service: 'threads.default', once: true }))
        return services[0]?.openBreakers ?? [];
      return [];
    };
    await plane.apply(`apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: threads, namespace: default }
spec:
  host: threads
  trafficPolicy: { connectionPool: { tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 1 } } }
`);
    await until('the crowd of a thread to be too large', async () => {
      assert.equal(await status(`http://threads:${hello.ports[0] ?? 0}/call?port=${hello.port}&times=5`), 200);
      return (await openBreakers()).length > 0;
    });
    await plane.admin.deleteResource({ kind: 'DestinationRule', namespace: 'default', name: 'threads' });
    await until('that to be over', async () => (await openBreakers()).length === 0);
  });

  it('while the control plane is away, a new thread has the last good snapshot, and is registered once it is back', async () => {
    await plane.kill();
    const port = await service.run(({ kept }) => (kept['start'] as () => Promise<number>)());
    await assert.rejects(fetch(`http://127.0.0.1:${port}/`), 'plaintext under STRICT');
    await plane.up();
    await plane.registered('threads', port);
    await until('it to answer', async () => (await status(`http://threads:${port}/`)) === 200);
    await service.run(({ kept }) => (kept['threads'] as import('node:worker_threads').Worker[])[2]?.terminate());
    await until('its instance to be gone', async () => !(await plane.portsOf('threads')).includes(port));
  });

  it('SIGTERM: what threads have begun is finished', async () => {
    const held = caller.run(call, `http://threads:${hello.ports[1] ?? 0}/hold`);
    await until(
      'the request to be there',
      async () => (await status(`http://threads:${hello.ports[1] ?? 0}/`)) === 200,
    );
    const end = service.kill('SIGTERM');
    await until('the instances to leave', async () => (await plane.portsOf('threads')).length === 0, 3_000);
    assert.equal(await held, 200);
    await end;
  });

  it('a thread of a program that blocks until the thread is done', async () => {
    const env = await plane.admission({ serviceAccount: 'blocking' });
    const source = `
      import { Worker } from 'node:worker_threads';
      const cell = new Int32Array(new SharedArrayBuffer(4));
      const source = 'import { workerData } from "node:worker_threads"; workerData[0] = 7; Atomics.notify(workerData, 0);';
      new Worker(new URL('data:text/javascript,' + source), { workerData: cell });
      Atomics.wait(cell, 0, 0, 5_000);
      console.log(cell[0]);
    `;
    const end = await runProgram(source, { env });
    assert.deepEqual([end.code, end.stdout, end.stderr], [0, '7\n', '']);
  });

  it('threads of a process outside the mesh are outside, too', async () => {
    const source = `
      import { Worker } from 'node:worker_threads';
      const source = 'import { get } from "node:http"; get("http://threads/").on("error", ({ message }) => console.log(message))';
      new Worker(new URL('data:text/javascript,' + source));
    `;
    assert.match((await runProgram(source)).stdout, /cannot tell whether "threads" is a service of the mesh/);
  });
});

/** Runs in a workload. */
function call(_tools: unknown, url: string): Promise<number | string> {
  return fetch(url)
    .then(async (response) => {
      await response.text();
      return response.status;
    })
    .catch((error: Error) => (error.cause instanceof Error ? error.cause : error).message);
}

/** What the main thread and its threads serve. */
const SERVE = `
  import { createServer } from 'node:http';
  import { parentPort } from 'node:worker_threads';
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://here');
    if (pathname === '/hold') setTimeout(() => response.end(), 700);
    else if (pathname === '/call') {
      const one = async () => (await fetch('http://threads:' + searchParams.get('port') + '/from-a-thread')).status;
      const calls = Array.from({ length: Number(searchParams.get('times') ?? 1) }, one);
      response.end(String(await Promise.all(calls)));
    }
    else response.end();
  });
`;

/** Runs in a workload: serves itself and in two threads. */
async function startThreads({ http, kept }: import('../harness/laboratory.ts').Tools, serve: string): Promise<Hello> {
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  const threads: import('node:worker_threads').Worker[] = [];
  const start = (): Promise<number> => {
    const tell = "server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));";
    const thread = new Worker(new URL(`data:text/javascript,${encodeURIComponent(serve + tell)}`));
    threads.push(thread);
    return new Promise((resolve) => {
      thread.once('message', resolve);
    });
  };
  kept['start'] = start;
  kept['threads'] = threads;
  const server = http.createServer((_request, response) => response.end());
  kept['server'] = server;
  server.listen(0, '127.0.0.1');
  const ports = [await start(), await start()];
  return { port: (server.address() as import('node:net').AddressInfo).port, ports };
}
