import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import { STRICT } from '../harness/policies.ts';
import { SidecarProcess } from '../harness/sidecar.ts';
import { Workload } from '../harness/workload.ts';

const QUOTA = 60;

const LIMITS = `${STRICT}---
apiVersion: rampart.dev/v1
kind: RateLimit
metadata: { name: limits, namespace: default }
spec:
  selector: { matchLabels: { app: orders-api } }
  rules:
  - { name: search, match: [{ paths: [/search] }], requests: 2, unit: HOUR }
  - { name: tenants, match: [{ paths: [/tenant] }], key: ["request.headers[x-tenant]"], requests: ${QUOTA}, unit: DAY, shared: true }
---
apiVersion: rampart.dev/v1
kind: RateLimit
metadata: { name: tried-out, namespace: default }
spec:
  mode: SHADOW
  rules:
  - { name: all, match: [{ paths: [/shadow] }], requests: 1, unit: HOUR }
`;

interface Answers {
  readonly statuses: readonly number[];
  readonly refused: Readonly<Record<string, string>> | undefined;
}

interface Storm {
  readonly url: string;
  readonly count: number;
  readonly tenant: string;
}

describe('limits of what a service takes', () => {
  const app = createServer((_, response) => response.end('ok'));
  let plane: ControlPlaneProcess;
  let first: Workload;
  let second: Workload;
  let sidecar: SidecarProcess;
  let caller: Laboratory;

  before(async () => {
    await once(app.listen(0, '127.0.0.1'), 'listening');
    plane = await ControlPlaneProcess.start();
    await plane.apply(LIMITS);
    const appPort = String((app.address() as AddressInfo).port);
    const orders = { serviceAccount: 'orders-api', service: 'orders-api' };
    [first, second, sidecar, caller] = await Promise.all([
      Workload.start(plane, { ...orders, script: 'echo.mjs', env: { RAMPART_LOG: 'info' } }),
      Workload.start(plane, { ...orders, script: 'echo.mjs' }),
      SidecarProcess.start(plane, { ...orders, args: ['--app-port', appPort] }),
      Laboratory.start(plane, { serviceAccount: 'users-api' }),
    ]);
    await until('all instances to be known', async () => {
      const known = await Promise.all(instances().map((port) => storm({ url: at(port, '/'), count: 1, tenant: '' })));
      return known.every(({ statuses }) => statuses[0] === 200);
    });
  });

  after(async () => {
    await Promise.all([first.kill(), second.kill(), caller.kill(), sidecar.stop()]);
    app.close();
    app.closeAllConnections();
    await plane.stop();
  });

  const instances = (): number[] => [first.port, second.port, sidecar.announcement.meshPort ?? 0];
  const at = (port: number, path: string): string => `http://orders-api:${port}${path}`;

  function storm(how: Storm): Promise<Answers> {
    return caller.run(async (_tools, { url, count, tenant }) => {
      const one = async (): Promise<Response | undefined> =>
        fetch(url, { headers: { 'x-tenant': tenant } }).catch(() => undefined);
      const answers = await Promise.all(Array.from({ length: count }, one));
      const refused = answers.find((answer) => answer?.status === 429);
      return {
        statuses: answers.map((answer) => answer?.status ?? 0),
        refused: refused === undefined ? undefined : Object.fromEntries(refused.headers),
      };
    }, how);
  }

  /** How many of a storm on every instance at once were let through. */
  async function everywhere(tenant: string): Promise<number> {
    const storms = instances().map((port) => storm({ url: at(port, '/tenant'), count: 100, tenant }));
    const statuses = (await Promise.all(storms)).flatMap((answers) => answers.statuses);
    assert.equal(statuses.filter((status) => status !== 200 && status !== 429).length, 0);
    return statuses.filter((status) => status === 200).length;
  }

  for (const kind of ['in-process', 'sidecar'] as const) {
    it(`hold in every data plane: ${kind}`, async () => {
      const port = kind === 'sidecar' ? (sidecar.announcement.meshPort ?? 0) : first.port;
      const { statuses, refused } = await storm({ url: at(port, `/search?${kind}`), count: 4, tenant: '' });
      assert.deepEqual(
        statuses.toSorted((a, b) => a - b),
        [200, 200, 429, 429],
      );
      assert.equal(refused?.['ratelimit-policy'], '"search";q=2;w=3600');
      // Half of the hour, less what has passed since the first of them.
      const wait = Number(refused['retry-after']);
      assert.ok(wait <= 1800 && wait > 1500, `${wait}`);
      assert.equal(refused['ratelimit'], `"search";r=0;t=${wait}`);
      const record = await until('the record', async () =>
        (await plane.records()).find(
          ({ request_path, response_code, reporter }) =>
            request_path === `/search?${kind}` && response_code === 429 && reporter === 'destination',
        ),
      );
      assert.equal(record.response_flags, 'RL');
      assert.equal(record.authorization_decision, 'ALLOW');
      assert.equal(record.reason, 'RateLimit default/limits, rule search: no more than 2 requests in 3600 s');
    });
  }

  it('that are tried out refuse nothing, and stand in the record', async () => {
    const { statuses } = await storm({ url: at(first.port, '/shadow'), count: 3, tenant: '' });
    assert.deepEqual(statuses, [200, 200, 200]);
    await until('the records', async () => {
      const found = (await plane.records()).filter(
        ({ dry_run_policies }) => dry_run_policies === 'default/tried-out=DENY',
      );
      return found.length === 2;
    });
  });

  it('that are shared let as much through as one instance would, whoever is asked', async () => {
    let passed = 0;
    // What a busy machine leaves unused of a share goes back, and is given out again.
    await until('all of the quota to be used', async () => {
      passed += await everywhere('acme');
      assert.ok(passed <= QUOTA, `${passed}`);
      return passed === QUOTA;
    });
    assert.equal(await everywhere('acme'), 0);
  });

  it('that are shared are held to by each instance while the control plane is away, which each says once', async () => {
    const told = (): number => first.complaints.match(/gives out no shares/g)?.length ?? 0;
    const before = told();
    await plane.kill();
    assert.equal(await everywhere('lonely'), instances().length * QUOTA);
    assert.equal(await everywhere('lonely'), 0);
    assert.equal(told() - before, 1);
    await plane.up();
    let round = 0;
    await until('the quota to be one again', async () => {
      round += 1;
      return (await everywhere(`together-${round}`)) === QUOTA;
    });
  });
});
