import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import type { ControlPlane } from '../../../control-plane.ts';
import { FakeDataPlane } from '../../../testing/fake-data-plane.ts';
import { TestPlanes, until } from '../../../testing/test-plane.ts';
import { type ApiClient, attest, connectAsAdmin, connectTo } from '../../../testing/workload-client.ts';

function peerAuthentication(name: string, mode: string): string {
  return JSON.stringify({
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name },
    spec: { mtls: { mode } },
  });
}

describe('the history of resources over the admin API', () => {
  const planes = new TestPlanes();
  let plane: ControlPlane;
  let admin: ApiClient['admin'];

  beforeEach(async () => {
    await planes.open();
    plane = await planes.start();
    admin = planes.keep(connectAsAdmin(plane)).admin;
  });
  afterEach(() => planes.close());

  const apply = async (name: string, mode: string): Promise<bigint> =>
    (await admin.apply({ document: peerAuthentication(name, mode) })).revision;
  const held = async (): Promise<string[]> => (await admin.getResources({})).resources.map(({ json }) => json);

  it('brings back what there was, exactly, as a new revision', async () => {
    await apply('a', 'STRICT');
    const good = await apply('b', 'STRICT');
    const before = await held();
    await apply('a', 'PERMISSIVE');
    await apply('c', 'DISABLE');
    await admin.deleteResource({ kind: 'PeerAuthentication', name: 'b' });
    const { resources, revision, problems } = await admin.rollback({ revision: good });
    assert.deepEqual(problems, []);
    assert.deepEqual(
      resources.map(({ name, outcome }) => `${name} ${outcome}`),
      ['a configured', 'b created', 'c deleted'],
    );
    assert.deepEqual(await held(), before);
    assert.ok(revision > good);
    const again = await admin.rollback({ revision: good });
    assert.deepEqual([again.resources.length, again.revision], [0, 0n]);
  });

  it('brings back the empty beginning', async () => {
    await apply('a', 'STRICT');
    await admin.rollback({ revision: 0n });
    assert.deepEqual(await held(), []);
  });

  it('undoes a rollback like any other change, also after a restart', async () => {
    const first = await apply('a', 'STRICT');
    const second = await apply('a', 'PERMISSIVE');
    await admin.rollback({ revision: first });
    await plane.stop();
    plane = await planes.start();
    admin = planes.keep(connectAsAdmin(plane)).admin;
    assert.match((await held()).join(''), /STRICT/);
    await admin.rollback({ revision: second });
    assert.match((await held()).join(''), /PERMISSIVE/);
  });

  it('lists who did what, and puts a rollback on the audit record', async () => {
    const first = await apply('a', 'STRICT');
    await apply('b', 'STRICT');
    await admin.deleteResource({ kind: 'PeerAuthentication', name: 'a' });
    await admin.rollback({ revision: first });
    const { revisions, oldest } = await admin.listRevisions({});
    assert.equal(oldest, 0n);
    assert.deepEqual(
      revisions.map(({ action, actor, changes }) => [
        action,
        actor,
        changes.map(({ name, outcome }) => `${name} ${outcome}`).join(', '),
      ]),
      [
        ['rollback', 'admin:bootstrap', 'a created, b deleted'],
        ['delete', 'admin:bootstrap', 'a deleted'],
        ['apply', 'admin:bootstrap', 'b created'],
        ['apply', 'admin:bootstrap', 'a created'],
      ],
    );
    assert.equal(revisions[0]?.restored, first);
    const { records } = await admin.queryAudit({ eventType: 'POLICY_ROLLED_BACK' });
    const details = (JSON.parse(records[0] ?? '{}') as { details: Record<string, unknown> }).details;
    assert.deepEqual([details['revision'], details['restored'], details['deleted']], [Number(first), 1, 1]);
  });

  it('refuses a revision that is yet to come', async () => {
    await assert.rejects(
      admin.rollback({ revision: 1_000_000n }),
      (error) => ConnectError.from(error).code === Code.NotFound && /no revision 1000000 yet/.test(String(error)),
    );
  });

  it('says in a dry run what it would do, and does nothing', async () => {
    await apply('a', 'STRICT');
    const { resources, revision } = await admin.rollback({ revision: 0n, dryRun: true });
    assert.deepEqual(
      resources.map(({ outcome }) => outcome),
      ['deleted'],
    );
    assert.equal(revision, 0n);
    assert.equal((await held()).length, 1);
  });

  it('deletes several at once: one revision, and those that are missing are named', async () => {
    await apply('a', 'STRICT');
    const last = await apply('b', 'STRICT');
    const names = ['a', 'nobody', 'b', 'a'].map((name) => ({ kind: 'PeerAuthentication', name }));
    const { resources, revision } = await admin.deleteResources({ resources: names });
    assert.deepEqual(
      resources.map(({ namespace, name, outcome }) => `${namespace}/${name} ${outcome}`),
      ['default/a deleted', 'default/nobody missing', 'default/b deleted', 'default/a deleted'],
    );
    assert.equal(revision, last + 1n);
    assert.deepEqual(await held(), []);
    const [newest] = (await admin.listRevisions({})).revisions;
    assert.deepEqual([newest?.revision, newest?.action, newest?.changes.length], [revision, 'delete', 2]);
    const { records } = await admin.queryAudit({ eventType: 'POLICY_DELETED' });
    assert.equal(records.length, 2);
    assert.equal((await admin.deleteResources({ resources: names })).revision, 0n);
    assert.equal((await admin.deleteResources({})).revision, 0n);
  });

  it('brings nothing back that a connected data plane cannot enforce', async () => {
    const revision = await apply('a', 'STRICT');
    await admin.deleteResource({ kind: 'PeerAuthentication', name: 'a' });
    const { credentials } = await attest(plane, { namespace: 'default', serviceAccount: 'orders' });
    const unable = new FakeDataPlane(planes.keep(connectTo(plane, { credentials }))).connect({ capabilities: [] });
    await until('the first message', () => unable.received.length > 0);
    const { problems, resources } = await admin.rollback({ revision });
    assert.deepEqual([problems[0]?.code, resources.length], ['UNSUPPORTED_FEATURE', 0]);
    assert.deepEqual(await held(), []);
  });

  describe('a rollout', () => {
    async function connected(id: string): Promise<FakeDataPlane> {
      const { credentials } = await attest(plane, { namespace: 'default', serviceAccount: id });
      const opened = new FakeDataPlane(planes.keep(connectTo(plane, { credentials }))).connect({ id });
      await until('the first message', () => opened.received.length > 0);
      opened.ack(opened.revision);
      return opened;
    }

    it('is followed until every data plane has taken it', async () => {
      const [one, two] = [await connected('one'), await connected('two')];
      const revision = await apply('a', 'STRICT');
      const seen: string[] = [];
      for await (const { taken, dataPlanes, lagging } of admin.followRollout({ revision, timeoutMs: 20_000 })) {
        seen.push(`${taken}/${dataPlanes} ${lagging.map(({ dataPlaneId }) => dataPlaneId).join(',')}`);
        if (taken === 0) {
          await until('the change', () => one.revision >= Number(revision));
          one.ack(one.revision);
        }
        if (taken === 1) {
          await until('the change', () => two.revision >= Number(revision));
          two.ack(two.revision);
        }
      }
      assert.deepEqual(seen, ['0/2 one,two', '1/2 two', '2/2 ']);
    });

    it('counts a change that a data plane does not see as taken', async () => {
      await connected('one');
      const document = peerAuthentication('elsewhere', 'STRICT');
      const { revision } = await admin.apply({ document, namespace: 'elsewhere' });
      let last = '';
      for await (const { taken, dataPlanes } of admin.followRollout({ revision, timeoutMs: 20_000 })) {
        last = `${taken}/${dataPlanes}`;
      }
      assert.equal(last, '1/1');
    });

    it('ends when the time is over', async () => {
      const one = await connected('one');
      const revision = await apply('a', 'STRICT');
      await until('the change', () => one.revision >= Number(revision));
      const seen: string[] = [];
      for await (const { taken, lagging } of admin.followRollout({ revision, timeoutMs: 50 })) {
        seen.push(`${taken} ${lagging[0]?.dataPlaneId} ${lagging[0]?.problem}`);
      }
      assert.deepEqual(seen, ['0 one ']);
    });

    it('ends when a data plane has said that it cannot, and why', { timeout: 20_000 }, async () => {
      const one = await connected('one');
      const revision = await apply('a', 'STRICT');
      await until('the change', () => one.revision >= Number(revision));
      one.ack(Number(revision), 'no such feature');
      let last = '';
      for await (const { taken, lagging } of admin.followRollout({ revision, timeoutMs: 600_000 })) {
        last = `${taken} ${lagging[0]?.problem}`;
      }
      assert.equal(last, '0 no such feature');
    });
  });
});
