import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { bundlePackage } from '../../tools/publish/bundle.ts';
import { outputFolder, publishedPackages } from '../../tools/publish/package.ts';
import { ensureNode, testedMajors } from '../../tools/runtimes.ts';
import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { allowOnly, STRICT } from '../harness/policies.ts';
import { Workload } from '../harness/workload.ts';

const SOURCE = new URL('../../packages/node/src/register.ts', import.meta.url).href;

interface Answer {
  readonly status?: number;
  readonly body?: string;
  readonly error?: string;
}

/** The package as published, built from the sources as they stand. */
async function published(): Promise<string> {
  const [node] = publishedPackages();
  assert.ok(node !== undefined);
  await bundlePackage(node);
  return new URL('lib/register.js', `file://${outputFolder(node)}/`).href;
}

/** A runtime that this machine cannot have is skipped by name. */
function absence(name: string, runtime: string | undefined): { readonly skip?: string } {
  return runtime === undefined ? { skip: `no ${name} to be had for this machine` } : {};
}

describe('the same services on other lines of Node', async () => {
  const runtimes = new Map<string, string | undefined>();
  for (const major of testedMajors) runtimes.set(`Node ${major}`, await ensureNode(major));
  runtimes.set('this Node', process.execPath);
  let plane: ControlPlaneProcess;
  let built: string;

  before(async () => {
    [plane, built] = await Promise.all([ControlPlaneProcess.start(), published()]);
    await plane.apply(`${STRICT}---\n${allowOnly('orders-api', 'users-api')}`);
  });

  after(() => plane.stop());

  for (const [name, runtime] of runtimes) {
    for (const form of ['published', 'sources'] as const) {
      it(`${name}, ${form}: called, called under policy, and recorded`, absence(name, runtime), async () => {
        assert.ok(runtime !== undefined);
        const register = form === 'published' ? built : SOURCE;
        const [orders, users] = await Promise.all([
          Workload.start(plane, {
            script: 'echo.mjs',
            serviceAccount: 'orders-api',
            service: 'orders-api',
            runtime,
            register,
          }),
          Workload.start(plane, { script: 'caller.mjs', serviceAccount: 'users-api', runtime, register }),
        ]);
        try {
          await until(
            'users-api to know orders-api',
            async () => (await users.ask<Answer>({ url: 'http://orders-api/api/x' })).status === 200,
          );
          const version = execFileSync(runtime, ['--version']).toString().trim();
          for (const client of ['http', 'fetch', 'undici']) {
            const id = `${version}-${form}-${client}`;
            const answer = await users.ask<Answer>({
              client,
              url: 'http://orders-api/api/orders',
              method: 'POST',
              body: 'lamp',
              headers: { 'x-request-id': id },
            });
            assert.equal(answer.status, 200, `${client}: ${answer.error}`);
            assert.equal((JSON.parse(answer.body ?? '') as { bytes: number }).bytes, 4);
            assert.deepEqual(await users.ask<Answer>({ client, url: 'http://orders-api/admin' }), {
              status: 403,
              body: 'RBAC: access denied',
            });
            const records = await until('both records', async () => {
              const found = (await plane.records()).filter((record) => record.request_id === id);
              return found.length === 2 ? found : undefined;
            });
            for (const record of records) {
              assert.deepEqual(
                [record.response_code, record.response_flags, record.bytes_received],
                [200, '-', 4],
                `${client} ${record.reporter}`,
              );
            }
          }
          assert.equal(orders.complaints + users.complaints, '');
        } finally {
          await Promise.all([orders.kill('SIGTERM'), users.kill()]);
        }
      });
    }
  }
});
