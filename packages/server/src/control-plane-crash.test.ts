import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ended, startProcess } from './testing/plane-process.ts';
import { recordBlock } from './testing/records.ts';
import { TestPlanes } from './testing/test-plane.ts';
import { attest, connectAsAdmin, connectTo } from './testing/workload-client.ts';

describe('a control plane that is killed while it works', () => {
  const planes = new TestPlanes();

  beforeEach(() => planes.open());
  afterEach(() => planes.close());

  it('has everything it acknowledged after the next start, reports once each', async () => {
    const { child, plane } = await startProcess(planes.dataDirectory);
    const { admin } = planes.keep(connectAsAdmin(plane));
    const { credentials } = await attest(plane, {
      namespace: 'default',
      serviceAccount: 'orders',
      service: 'orders-api',
    });
    const { telemetry } = planes.keep(connectTo(plane, { credentials }));
    const applied: string[] = [];
    const reported: number[] = [];
    const policies = async (): Promise<void> => {
      for (let index = 0; ; index += 1) {
        const metadata = { name: `p${index}` };
        await admin.apply({
          document: JSON.stringify({
            apiVersion: 'security.istio.io/v1',
            kind: 'PeerAuthentication',
            metadata,
            spec: {},
          }),
        });
        applied.push(metadata.name);
      }
    };
    const reports = async (): Promise<void> => {
      for (let index = 1; ; index += 1) {
        await telemetry.report({
          reporter: 'r',
          sequence: BigInt(index),
          recordCount: 1,
          records: recordBlock([{ path: `/${index}` }]),
        });
        reported.push(index);
        if (index === 40) {
          child.kill('SIGKILL');
        }
      }
    };
    await Promise.allSettled([policies(), reports()]);
    await ended(child);
    assert.ok(applied.length > 0 && reported.length >= 40);
    assert.match(await readFile(join(planes.dataDirectory, 'lock'), 'utf8'), new RegExp(`"pid":${child.pid}\\b`));

    const next = await planes.start();
    const after = planes.keep(connectAsAdmin(next)).admin;
    const held = new Set((await after.getResources({})).resources.map(({ name }) => name));
    assert.deepEqual(
      applied.filter((name) => !held.has(name)),
      [],
    );
    const { revisions } = await after.listRevisions({ limit: 1000 });
    const known = new Set(revisions.flatMap(({ changes }) => changes.map(({ name }) => name)));
    assert.deepEqual([...held].sort(), [...known].sort());
    const unchanged = await after.rollback({ revision: revisions[0]?.revision ?? 0n, dryRun: true });
    assert.deepEqual(unchanged.resources, []);
    const recorded = (await after.queryAudit({ eventType: 'POLICY_APPLIED', limit: 10_000 })).records.length;
    assert.ok(recorded >= applied.length);
    const again = planes.keep(connectTo(next, { credentials })).telemetry;
    for (const index of reported) {
      await again.report({
        reporter: 'r',
        sequence: BigInt(index),
        recordCount: 1,
        records: recordBlock([{ path: `/${index}` }]),
      });
    }
    const paths: string[] = [];
    for await (const { records } of after.tailLogs({ history: 10_000 })) {
      paths.push(...records.map((text) => (JSON.parse(text) as { request_path: string }).request_path));
    }
    assert.equal(new Set(paths).size, paths.length);
    assert.deepEqual(
      reported.filter((index) => !paths.includes(`/${index}`)),
      [],
    );
  });
});
