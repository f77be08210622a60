import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import { STRICT } from '../harness/policies.ts';
import { Workload } from '../harness/workload.ts';

interface Answer {
  readonly status?: number;
  readonly body?: string;
  readonly error?: string;
}

/** How the primary shares its ports; the names of `cluster.schedulingPolicy`. */
const SHARING = ['rr', 'none'] as const;

describe('a cluster of processes is one member of the mesh', () => {
  let plane: ControlPlaneProcess;
  let caller: Laboratory;
  let echo: Workload;

  before(async () => {
    plane = await ControlPlaneProcess.start();
    await plane.apply(STRICT);
    [caller, echo] = await Promise.all([
      Laboratory.start(plane, { serviceAccount: 'caller' }),
      Workload.start(plane, { script: 'echo.mjs', serviceAccount: 'echo', service: 'echo' }),
    ]);
  });

  after(async () => {
    await Promise.all([caller.kill(), echo.kill()]);
    await plane.stop();
  });

  const call = (url: string): Promise<Answer> =>
    caller.run(
      (_tools, where: string): Promise<Answer> =>
        fetch(where)
          .then(async (response) => ({ status: response.status, body: await response.text() }))
          .catch((error: Error) => ({ error: (error.cause instanceof Error ? error.cause : error).message })),
      url,
    );

  async function start(service: string, env: Readonly<Record<string, string>> = {}): Promise<Workload> {
    const cluster = await Workload.start(plane, {
      script: 'workers/cluster.mjs',
      serviceAccount: service,
      service,
      env,
    });
    await until(`${service} to answer`, async () => (await call(`http://${service}:${cluster.port}/`)).status === 200);
    return cluster;
  }

  for (const policy of SHARING) {
    it(`${policy}: a shared port is one instance, as long as one worker serves it; the primary's own is another`, async () => {
      const service = `shared-${policy}`;
      const cluster = await start(service, { POLICY: policy });
      const url = `http://${service}:${cluster.port}`;
      await until('both ports to be registered', async () => (await plane.portsOf(service)).length === 2);
      const served = new Set<string>();
      await until('an answer', async () => {
        served.add((await call(`${url}/`)).body ?? '');
        return served.size === (policy === 'rr' ? 2 : 1);
      });
      assert.equal((await call(`${url}/call?url=http://echo/`)).body, '200', 'workers call through the mesh');
      assert.ok([...served].every((who) => !who.startsWith(`${cluster.process.pid ?? 0}/`)));
      assert.deepEqual(await cluster.ask({ kill: 0 }), { code: null, signal: 'SIGKILL' });
      await until('the other worker to serve alone', async () => {
        const who = new Set(await Promise.all([1, 2, 3, 4].map(async () => (await call(`${url}/`)).body)));
        return who.size === 1 && !who.has(undefined);
      });
      assert.ok((await plane.portsOf(service)).includes(cluster.port), 'one of two gone: the port is still served');
      assert.deepEqual(await cluster.ask({ disconnect: 1 }), { code: 0, signal: null });
      await until('the port to leave with its last worker', async () => {
        const ports = await plane.portsOf(service);
        return ports.length === 1 && !ports.includes(cluster.port);
      });
      await cluster.kill();
    });
  }

  it('every worker records what it served and called, as the one identity', async () => {
    const cluster = await start('recorded');
    const url = `http://recorded:${cluster.port}`;
    await call(`${url}/call?url=http://echo/from-a-worker`);
    const records = await until('both ends of both calls', async () => {
      const found = (await plane.records()).filter(
        ({ request_path }) =>
          request_path.startsWith('/call?url=http://echo/from-a') || request_path === '/from-a-worker',
      );
      return found.length === 4 ? found : undefined;
    });
    const identity = 'spiffe://cluster.local/ns/default/sa/recorded';
    const called = records.filter(({ request_path }) => request_path === '/from-a-worker');
    assert.ok(
      called.every(({ source_principal, response_code }) => source_principal === identity && response_code === 200),
    );
    assert.equal(new Set(records.map(({ trace_id }) => trace_id)).size, 1, 'one trace through the worker');
    await cluster.kill();
  });

  it('SIGTERM to the primary: out of the registry at once, requests of the workers finished', async () => {
    const cluster = await start('drained');
    const held = call(`http://drained:${cluster.port}/hold?ms=700`);
    await until('the request to be there', async () => {
      await call(`http://drained:${cluster.port}/`);
      return true;
    });
    const exit = once(cluster.process, 'exit');
    cluster.process.kill('SIGTERM');
    await until('the instances to leave', async () => (await plane.portsOf('drained')).length === 0, 3_000);
    assert.deepEqual(await held, { status: 200, body: 'held to the end' });
    assert.deepEqual(await exit, [null, 'SIGTERM']);
  });
});
