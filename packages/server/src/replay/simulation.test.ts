import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { ReplayReport } from '@rampart/core/analysis';
import type { RecordInput } from '@rampart/wire';
import type { ControlPlane } from '../control-plane.ts';
import { FakeDataPlane } from '../testing/fake-data-plane.ts';
import { recordBlock } from '../testing/records.ts';
import { TestPlanes, until } from '../testing/test-plane.ts';
import { type ApiClient, attest, connectAsAdmin, connectTo } from '../testing/workload-client.ts';

const ORDERS = { namespace: 'default', serviceAccount: 'orders', service: 'orders-api', labels: { app: 'orders' } };
const BATCH = 'spiffe://cluster.local/ns/default/sa/batch';

const ONLY_FRONTEND = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: only-frontend }
spec:
  selector: { matchLabels: { app: orders } }
  rules:
    - from: [{ source: { principals: [cluster.local/ns/default/sa/frontend] } }]
`;
const DENY_ALL = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: deny-all }
spec: {}
`;

interface Simulated {
  readonly report: ReplayReport;
  readonly progress: readonly string[];
}

describe('a simulation', () => {
  const planes = new TestPlanes();
  let plane: ControlPlane;
  let admin: ApiClient['admin'];
  let orders: ApiClient;
  let sequence = 0n;

  beforeEach(async () => {
    await planes.open();
    plane = await planes.start();
    admin = planes.keep(connectAsAdmin(plane)).admin;
    const { credentials } = await attest(plane, ORDERS);
    orders = planes.keep(connectTo(plane, { credentials }));
  });
  afterEach(() => planes.close());

  async function report(...requests: readonly Partial<RecordInput>[]): Promise<void> {
    sequence += 1n;
    const records = recordBlock(requests);
    await orders.telemetry.report({ reporter: 'r', sequence, records, recordCount: requests.length });
  }

  async function simulate(
    document: string,
    options: { replaceAll?: boolean; since?: bigint } = {},
  ): Promise<Simulated> {
    const progress: string[] = [];
    for await (const { message } of admin.simulate({ document, ...options })) {
      if (message.case === 'progress') progress.push(`${message.value.records}/${message.value.total}`);
      if (message.case === 'reportJson') return { report: JSON.parse(message.value) as ReplayReport, progress };
      if (message.case === 'refused') throw new Error(message.value.problems.map((problem) => problem.message).join());
    }
    throw new Error('no report');
  }

  it('finds what would be denied, by the labels the called workload was attested with', async () => {
    await report({}, { sourcePrincipal: BATCH }, { sourcePrincipal: BATCH, path: '/x' }, { reporter: 'source' });
    await report({ sourcePrincipal: BATCH, startedAt: 0 });
    const { report: found, progress } = await simulate(ONLY_FRONTEND);
    assert.deepEqual([found.requests, found.unchanged, found.nowDenied, found.cannotTell], [4, 1, 3, 0]);
    assert.deepEqual(progress, ['1/5', '5/5']);
    const recent = await simulate(ONLY_FRONTEND, { since: 1n });
    assert.equal(recent.report.requests, 3);
    assert.deepEqual((await simulate(ONLY_FRONTEND, { since: BigInt(Date.now() + 3_600_000) })).progress, []);
  });

  it('knows labels of instances that are there, too', async () => {
    const dataPlane = new FakeDataPlane(orders).connect();
    dataPlane.register('orders-1', 3000, '127.0.0.1');
    await until('the service', () => dataPlane.services.size > 0);
    await report({ sourcePrincipal: BATCH });
    assert.equal((await simulate(ONLY_FRONTEND)).report.nowDenied, 1);
    assert.equal((await simulate(ONLY_FRONTEND.replace('app: orders', 'app: users'))).report.unchanged, 1);
  });

  it('knows callers by the labels they were attested with', async () => {
    for (const serviceAccount of ['frontend', 'batch'])
      await attest(plane, { namespace: 'default', serviceAccount, labels: { app: serviceAccount } });
    await report({}, { sourcePrincipal: BATCH }, { sourcePrincipal: BATCH.replace('batch', 'stranger') });
    const { report: found } = await simulate(`apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: from-frontend }
spec:
  podSelector: { matchLabels: { app: orders } }
  ingress: [{ from: [{ podSelector: { matchLabels: { app: frontend } } }] }]
`);
    assert.deepEqual([found.unchanged, found.nowDenied, found.cannotTell], [1, 1, 1]);
    assert.equal(found.changes[0]?.policy, 'default/from-frontend');
    assert.match(found.unknown[0]?.reason ?? '', /labels of the caller, which was never attested here/);
  });

  it('cannot tell which holder of an identity called when their labels differ', async () => {
    const dataPlane = new FakeDataPlane(orders).connect();
    dataPlane.register('orders-1', 3000, '127.0.0.1');
    await until('the service', () => dataPlane.services.size > 0);
    await attest(plane, { namespace: 'default', serviceAccount: 'orders', labels: {} });
    await report({ sourcePrincipal: BATCH.replace('batch', 'orders') });
    const { report: found } = await simulate(`apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: from-itself }
spec:
  podSelector: { matchLabels: { app: orders } }
  ingress: [{ from: [{ podSelector: { matchLabels: { app: orders } } }] }]
`);
    assert.deepEqual([found.unchanged, found.nowDenied, found.cannotTell], [0, 0, 1]);
    assert.match(found.unknown[0]?.reason ?? '', /labels that the holders of the identity do not share/);
  });

  it('puts the candidate in the place of what has its name, or of everything', async () => {
    await admin.apply({ document: DENY_ALL });
    const revision = Number((await admin.apply({ document: ONLY_FRONTEND.replace('frontend]', 'batch]') })).revision);
    await report({ policyRevision: revision, decision: 'DENY' }, { policyRevision: revision, sourcePrincipal: BATCH });
    const merged = (await simulate(ONLY_FRONTEND)).report;
    assert.deepEqual([merged.nowAllowed, merged.nowDenied], [1, 1]);
    const alone = (await simulate(DENY_ALL, { replaceAll: true })).report;
    assert.deepEqual([alone.nowAllowed, alone.nowDenied], [0, 1]);
    assert.equal((await simulate(DENY_ALL)).report.unchanged, 2);
  });

  it('judges what was decided before the last change by what is in force', async () => {
    await admin.apply({ document: DENY_ALL });
    await report({ policyRevision: 1 });
    assert.equal((await simulate(DENY_ALL)).report.unchanged, 1);
    await admin.deleteResource({ kind: 'AuthorizationPolicy', name: 'deny-all' });
    const { report: found } = await simulate(DENY_ALL);
    assert.deepEqual([found.nowDenied, found.changes[0]?.policy], [1, 'default/deny-all']);
  });

  it('changes nothing, and refuses what apply refuses', async () => {
    await report({});
    await simulate(DENY_ALL);
    assert.deepEqual((await admin.getResources({})).resources, []);
    await assert.rejects(simulate(DENY_ALL.replace('spec', 'sepc')), /unknown field/);
  });

  it('lets others have their turn', async () => {
    for (let block = 0; block < 12; block += 1) {
      const requests = Array.from({ length: 4000 }, (_, index) => ({
        path: `/orders/${block}-${index}/x`,
        sourcePrincipal: BATCH,
      }));
      await report(...requests);
    }
    const turns = new Turns();
    const { report: found } = await simulate(ONLY_FRONTEND);
    const { longest, all } = turns.end();
    assert.deepEqual([found.distinct, found.nowDenied], [48_000, 48_000]);
    assert.ok(found.changes.length <= 101);
    // A block of twelve is read in one piece.
    assert.ok(longest < all / 3, `somebody waited for ${longest} of ${all} µs`);
  });
});

/** Processor time of each turn of the event loop, microseconds; on a busy machine those of the clock say nothing. */
class Turns {
  #before = process.threadCpuUsage();
  #longest = 0;
  #all = 0;
  #next = setImmediate(() => this.#turn());

  #turn(): void {
    const { user, system } = process.threadCpuUsage(this.#before);
    this.#before = process.threadCpuUsage();
    this.#longest = Math.max(this.#longest, user + system);
    this.#all += user + system;
    this.#next = setImmediate(() => this.#turn());
  }

  end(): { readonly longest: number; readonly all: number } {
    clearImmediate(this.#next);
    return { longest: this.#longest, all: this.#all };
  }
}
