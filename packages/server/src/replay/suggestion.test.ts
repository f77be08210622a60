import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import type { RecordInput, Suggestion } from '@rampart/wire';
import type { ControlPlane } from '../control-plane.ts';
import { recordBlock } from '../testing/records.ts';
import { TestPlanes } from '../testing/test-plane.ts';
import { type ApiClient, attest, connectAsAdmin, connectTo, type WorkloadOptions } from '../testing/workload-client.ts';

const ORDERS: WorkloadOptions = {
  namespace: 'default',
  serviceAccount: 'orders',
  service: 'orders-api',
  labels: { app: 'orders', version: 'v1' },
};

describe('a suggestion', () => {
  const planes = new TestPlanes();
  let plane: ControlPlane;
  let admin: ApiClient['admin'];

  beforeEach(async () => {
    await planes.open();
    plane = await planes.start();
    admin = planes.keep(connectAsAdmin(plane)).admin;
  });
  afterEach(() => planes.close());

  async function report(workload: WorkloadOptions, requests: readonly Partial<RecordInput>[]): Promise<void> {
    const { credentials } = await attest(plane, workload);
    const records = recordBlock(requests);
    const batch = { reporter: 'r', sequence: 1n, records, recordCount: requests.length };
    await planes.keep(connectTo(plane, { credentials })).telemetry.report(batch);
  }

  async function suggest(service = 'orders-api'): Promise<Suggestion> {
    for await (const { message } of admin.suggest({ service })) {
      if (message.case === 'suggestion') return message.value;
    }
    throw new Error('no suggestion');
  }

  it('applies, and a simulation finds that all of the traffic is still allowed', async () => {
    const paths = ['/orders/1', '/orders/2', '/orders/3', '/orders?x', '/orders'];
    await report(ORDERS, [...paths.map((path) => ({ path })), { path: '/pay', method: 'POST' }]);
    const { yaml } = await suggest();
    assert.match(yaml, /name: orders-api-from-traffic\n/);
    assert.match(yaml, /matchLabels:\n {6}"app": "orders"\n {2}action: ALLOW/);
    assert.match(yaml, /- "\/orders\/\{\*\}"\n/);
    for await (const { message } of admin.simulate({ document: yaml })) {
      if (message.case !== 'reportJson') continue;
      const { requests, unchanged } = JSON.parse(message.value) as { requests: number; unchanged: number };
      assert.deepEqual([requests, unchanged], [6, 6]);
    }
    const { problems, resources } = await admin.apply({ document: yaml });
    assert.deepEqual([problems, resources.map(({ outcome }) => outcome)], [[], ['created']]);
  });

  it('does not believe a workload about a service that it is not', async () => {
    await report(ORDERS, [{ path: '/orders' }]);
    const mallory = { namespace: 'default', serviceAccount: 'mallory', service: 'mallory', labels: { app: 'mallory' } };
    await report(mallory, [{ path: '/admin' }]);
    assert.ok(!(await suggest()).yaml.includes('/admin'));
  });

  it('takes all labels that the workloads share where none names them', async () => {
    await report({ ...ORDERS, labels: { tier: 'back', zone: 'a' } }, [{ path: '/a' }]);
    await report({ ...ORDERS, serviceAccount: 'orders-2', labels: { tier: 'back', zone: 'b' } }, [{ path: '/b' }]);
    assert.match((await suggest()).yaml, /matchLabels:\n {6}"tier": "back"\n {2}action/);
  });

  const REFUSED: readonly (readonly [string, string, Code, RegExp])[] = [
    ['of what is no service', 'http://x', Code.InvalidArgument, /does not name a service/],
    ['of a service without traffic', 'users-api', Code.NotFound, /no request to users-api\.default/],
  ];
  for (const [what, service, code, message] of REFUSED) {
    it(`is refused ${what}`, async () => {
      await assert.rejects(suggest(service), (error) => {
        const refusal = ConnectError.from(error);
        return refusal.code === code && message.test(refusal.rawMessage);
      });
    });
  }

  it('is refused where no label selects the workloads', async () => {
    await report({ ...ORDERS, labels: {} }, [{ path: '/a' }]);
    await assert.rejects(suggest(), /no label in common/);
  });

  it('is refused where paths have nothing in common', async () => {
    await report(
      ORDERS,
      Array.from({ length: 5100 }, (_, index) => ({
        path: `/${index.toString(26).replaceAll(/\d/g, 'q')}${'z'.repeat(index % 97)}/x`,
      })),
    );
    await assert.rejects(suggest(), /different paths of orders-api\.default/);
  });
});
