import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { allowOnly, STRICT } from '../harness/policies.ts';
import { Workload } from '../harness/workload.ts';

interface LoadResult {
  readonly sent: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly failures: readonly unknown[];
}

interface Answer {
  readonly status?: number;
  readonly body?: string;
  readonly error?: string;
}

const URL_OF_ORDERS = 'http://orders-api/api/orders';

async function meshOf(plane: ControlPlaneProcess): Promise<{ orders: Workload; users: Workload }> {
  await plane.apply(`${STRICT}---\n${allowOnly('orders-api', 'users-api')}`);
  const [orders, users] = await Promise.all([
    Workload.start(plane, { script: 'echo.mjs', serviceAccount: 'orders-api', service: 'orders-api' }),
    Workload.start(plane, { script: 'caller.mjs', serviceAccount: 'users-api' }),
  ]);
  await until(
    'users-api to reach orders-api',
    async () => (await users.ask<Answer>({ url: URL_OF_ORDERS })).status === 200,
  );
  return { orders, users };
}

/** Serial numbers of an identity's certificates, newest first. */
async function serials(plane: ControlPlaneProcess, spiffeId: string): Promise<string[]> {
  const { certificates } = await plane.admin.listCertificates({ spiffeId, limit: 100 });
  return certificates.map((certificate) => certificate.serial);
}

describe('rotation under load', () => {
  let plane: ControlPlaneProcess;
  let mesh: { orders: Workload; users: Workload };

  before(async () => {
    plane = await ControlPlaneProcess.start({ workloadTtl: '6s' });
    mesh = await meshOf(plane);
  });
  after(async () => {
    await Promise.all([mesh.orders.kill(), mesh.users.kill()]);
    await plane.stop();
  });

  it('certificates are replaced several times and no request of any client library fails', async (test) => {
    const id = 'spiffe://cluster.local/ns/default/sa/orders-api';
    const others = await Promise.all(
      ['fetch', 'undici'].map(async (client) => ({
        client,
        workload: await Workload.start(plane, { script: 'caller.mjs', serviceAccount: 'users-api' }),
      })),
    );
    test.after(() => Promise.all(others.map(({ workload }) => workload.kill())));
    const callers = [{ client: 'http', workload: mesh.users }, ...others];
    const loads = callers.map(({ client, workload }) =>
      workload.ask<LoadResult>({ load: { url: URL_OF_ORDERS, client, concurrency: 8, least: 400 } }),
    );
    const before = (await serials(plane, id)).length;
    await until('two rotations of orders-api', async () => (await serials(plane, id)).length >= before + 2, 30_000);
    for (const { workload } of callers) workload.process.send({ stop: true });
    let total = 0;
    for (const { sent, outcomes, failures } of await Promise.all(loads)) {
      assert.deepEqual(failures, []);
      assert.deepEqual(outcomes, { 200: sent });
      total += sent;
    }
    assert.ok(total > 1000, `only ${total} requests`);
  });
});

describe('the control plane goes away', () => {
  let plane: ControlPlaneProcess;
  let mesh: { orders: Workload; users: Workload };

  before(async () => {
    plane = await ControlPlaneProcess.start();
    mesh = await meshOf(plane);
  });
  after(async () => {
    await Promise.all([mesh.orders.kill(), mesh.users.kill()]);
    await plane.stop();
  });

  it('killed under load: no request fails, policies hold, and every record arrives once it is back', async () => {
    const load = mesh.users.ask<LoadResult>({
      load: { url: `${URL_OF_ORDERS}/meanwhile`, client: 'http', concurrency: 4, count: 4000 },
    });
    await plane.kill();
    const { sent, outcomes, failures } = await load;
    assert.deepEqual(failures, []);
    assert.deepEqual(outcomes, { 200: sent });
    const denied = await mesh.users.ask<Answer>({ url: 'http://orders-api/admin/meanwhile' });
    assert.equal(denied.status, 403, 'the last good snapshot still denies');
    await plane.up();
    const wanted = 2 * (sent + 1);
    const fresh = await until(
      'every record of the meantime',
      async () => {
        const found = (await plane.records()).filter((record) => record.request_path.includes('/meanwhile'));
        return found.length >= wanted ? found.map((record) => `${record.reporter} ${record.request_id}`) : undefined;
      },
      30_000,
    );
    assert.equal(new Set(fresh).size, fresh.length, 'none twice');
    assert.equal(fresh.length, wanted, 'none lost, none too many');
  });

  it('back again: instances are still registered and new policy takes hold without restarting anything', async () => {
    await until('orders-api to be registered', async () =>
      (await plane.admin.listServices({})).services.some(
        (each) => each.name === 'orders-api' && each.endpoints.length === 1,
      ),
    );
    await plane.apply(allowOnly('orders-api', 'somebody-else'));
    await until(
      'the new policy to deny',
      async () => (await mesh.users.ask<Answer>({ url: URL_OF_ORDERS })).status === 403,
    );
    await plane.apply(allowOnly('orders-api', 'users-api'));
    await until(
      'the old policy to allow',
      async () => (await mesh.users.ask<Answer>({ url: URL_OF_ORDERS })).status === 200,
    );
  });
});

describe('an instance dies', () => {
  let plane: ControlPlaneProcess;

  before(async () => {
    plane = await ControlPlaneProcess.start();
  });
  after(async () => {
    await plane.stop();
  });

  it('SIGKILL: its lease runs out, it vanishes, and its neighbour takes the traffic', async () => {
    const { orders, users } = await meshOf(plane);
    const second = await Workload.start(plane, {
      script: 'echo.mjs',
      serviceAccount: 'orders-api',
      service: 'orders-api',
    });
    const endpoints = async (): Promise<number> =>
      (await plane.admin.listServices({})).services.find((each) => each.name === 'orders-api')?.endpoints.length ?? 0;
    assert.equal(await endpoints(), 2);
    await orders.kill();
    await until('the lease to run out', async () => (await endpoints()) === 1, 30_000);
    const { sent, outcomes } = await users.ask<LoadResult>({ load: { url: URL_OF_ORDERS, count: 200 } });
    assert.deepEqual(outcomes, { 200: sent });
    const { records } = await plane.admin.queryAudit({ eventType: 'DEREGISTRATION', limit: 10 });
    assert.ok(
      records.some((record) => record.includes('lease expired')),
      records.join('\n'),
    );
    await Promise.all([second.kill(), users.kill()]);
  });
});
