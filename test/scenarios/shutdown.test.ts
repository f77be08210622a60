import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import { STRICT } from '../harness/policies.ts';
import { runProgram } from '../harness/program.ts';
import { Workload } from '../harness/workload.ts';

type Exit = readonly [code: number | null, signal: NodeJS.Signals | null];

describe('a process of the mesh ends as it would without the mesh', () => {
  let plane: ControlPlaneProcess;
  let caller: Laboratory;
  const started: Workload[] = [];

  before(async () => {
    plane = await ControlPlaneProcess.start();
    await plane.apply(STRICT);
    caller = await Laboratory.start(plane, { serviceAccount: 'caller' });
  });

  after(async () => {
    await Promise.all([caller.kill(), ...started.map((each) => each.kill())]);
    await plane.stop();
  });

  async function serve(service: string, env: Readonly<Record<string, string>> = {}): Promise<Workload> {
    const workload = await Workload.start(plane, { script: 'ending.mjs', serviceAccount: service, service, env });
    started.push(workload);
    await until(`${service} to be known`, async () => (await get(`http://${service}/`)) === 'here');
    return workload;
  }

  function get(url: string): Promise<string> {
    return caller.run(
      (_tools, where: string) =>
        fetch(where)
          .then((response) => response.text())
          .catch((error: Error) => (error.cause instanceof Error ? error.cause : error).message),
      url,
    );
  }

  function exitOf(workload: Workload): Promise<Exit> {
    return once(workload.process, 'exit').then(([code, signal]) => [code, signal] as Exit);
  }

  const endings: readonly (readonly [name: string, signal: NodeJS.Signals, own: boolean, exit: Exit])[] = [
    ['SIGTERM to a program that does not handle it', 'SIGTERM', false, [null, 'SIGTERM']],
    ['SIGINT to a program that does not handle it', 'SIGINT', false, [null, 'SIGINT']],
    ['SIGTERM to a program with a way of its own', 'SIGTERM', true, [7, null]],
    ['SIGINT to a program with a way of its own', 'SIGINT', true, [7, null]],
  ];
  for (const [name, signal, own, expected] of endings) {
    it(`${name}: out of the registry at once, requests in flight finished, exit as ever`, async () => {
      const service = `ends-${signal.toLowerCase()}-${own ? 'own' : 'default'}`;
      const workload = await serve(service, own ? { OWN_HANDLER: 'yes' } : {});
      const holding = once(workload.process, 'message');
      const inFlight = get(`http://${service}/hold`);
      await holding;
      const exit = exitOf(workload);
      workload.process.kill(signal);
      await until('it to leave the registry', async () => (await plane.portsOf(service)).length === 0, 3_000);
      await until('nothing new to be sent there', async () =>
        (await get(`http://${service}/`)).includes('no instance'),
      );
      assert.equal(workload.process.exitCode, null, 'it waits for the request in flight');
      workload.process.send({});
      assert.equal(await inFlight, 'finished');
      assert.deepEqual(await exit, expected);
      const record = await until('the last request on record', async () =>
        (await plane.records()).find(
          (each) =>
            each.destination_service === `${service}.default.svc` &&
            each.request_path === '/hold' &&
            each.reporter === 'destination',
        ),
      );
      assert.deepEqual([record.response_code, record.response_flags], [200, '-']);
    });
  }

  it('a program that ends as soon as it hears of the signal is out of the registry by then', async () => {
    const workload = await serve('ends-at-once', { OWN_HANDLER: 'exit' });
    const exit = exitOf(workload);
    workload.process.kill('SIGTERM');
    assert.deepEqual(await exit, [7, null]);
    assert.deepEqual(await plane.portsOf('ends-at-once'), []);
  });

  it('it hears of the signal, too, where the control plane does not answer', async () => {
    const workload = await serve('ends-alone', { OWN_HANDLER: 'exit' });
    const { pid } = plane;
    assert.ok(pid !== undefined);
    process.kill(pid, 'SIGSTOP');
    try {
      const exit = exitOf(workload);
      workload.process.kill('SIGTERM');
      assert.deepEqual(await exit, [7, null]);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  const abrupt: readonly (readonly [path: string, code: number])[] = [
    ['/exit', 3],
    ['/throw', 1],
    ['/reject', 1],
  ];
  for (const [path, code] of abrupt) {
    it(`${path}: exit code ${code}, and the last records are not lost`, async () => {
      const service = `abrupt${path.replace('/', '-')}`;
      const workload = await serve(service);
      const exit = exitOf(workload);
      await get(`http://${service}${path}`);
      assert.deepEqual(await exit, [code, null]);
      if (code === 1) assert.match(workload.complaints, /Error: boom\n {4}at /);
      // The next process of the same identity on this machine sends what the last one could not.
      const next = await serve(service);
      await until('the record of the last request', async () =>
        (await plane.records()).find(
          (each) =>
            each.destination_service === `${service}.default.svc` &&
            each.request_path === path &&
            each.reporter === 'destination',
        ),
      );
      await next.kill();
    });
  }

  it('server.close() takes the instance out and ends a process that has nothing else to do', async () => {
    const lab = await Laboratory.start(plane, { serviceAccount: 'closes', service: 'closes' });
    started.push(lab.workload);
    const port = await lab.run(async ({ http, events, kept }) => {
      const server = http.createServer((_request, response) => response.end('here'));
      kept['server'] = server;
      server.listen(0, '127.0.0.1');
      await events.once(server, 'listening');
      return (server.address() as import('node:net').AddressInfo).port;
    });
    await plane.registered('closes', port);
    const exit = exitOf(lab.workload);
    await lab.run(({ kept }) => {
      (kept['server'] as import('node:http').Server).close();
    });
    await until('the instance to leave', async () => (await plane.portsOf('closes')).length === 0, 3_000);
    lab.workload.process.disconnect();
    assert.deepEqual(await exit, [0, null]);
  });

  it('a client that has done its work ends by itself, and its records arrive', async () => {
    const service = await serve('target');
    const env = await plane.admission({ serviceAccount: 'finite' });
    const end = await runProgram("const answer = await fetch('http://target/'); console.log(await answer.text());", {
      env,
    });
    assert.deepEqual([end.code, end.signal, end.stdout, end.stderr], [0, null, 'here\n', '']);
    await until('its record', async () => {
      // Spooled at its exit: sent by the next process of the same identity.
      await runProgram('await fetch("http://target/again")', {
        env: await plane.admission({ serviceAccount: 'finite' }),
      });
      return (await plane.records()).some(
        (each) => each.reporter === 'source' && each.source_principal.endsWith('/finite') && each.request_path === '/',
      );
    });
    await service.kill();
  });

  for (const [what, source] of [
    ['an exit code of its own', 'process.exitCode = 5'],
    ['process.exit()', 'process.exit(6)'],
    ['an exception', "throw new Error('boom')"],
    ['a rejection', "Promise.reject(new Error('boom'))"],
    ['an await that never settles', 'await new Promise(() => {})'],
    ['nothing to do', ''],
  ] as const) {
    it(`${what}: the same exit with and without the mesh`, async () => {
      const env = await plane.admission({ serviceAccount: 'compared' });
      const [within, without] = await Promise.all([runProgram(source, { env }), runProgram(source, { hooked: false })]);
      assert.deepEqual([within.code, within.signal], [without.code, without.signal], within.stderr);
    });
  }
});
