import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { ControlPlane } from '../control-plane.ts';
import { TestPlanes, until } from '../testing/test-plane.ts';
import { connectAsAdmin } from '../testing/workload-client.ts';

const SECRET = 'hunter2-and-more';
const PATH = `/health?token=${SECRET}`;
const HEADERS = { authorization: `Bearer ${SECRET}` };

describe('what lets a check in where it asks', () => {
  const planes = new TestPlanes();
  let server: Server;
  let asked: string[] = [];

  beforeEach(async () => {
    await planes.open();
    asked = [];
    server = createServer(({ url, headers }, response) => {
      asked.push(`${url} ${headers.authorization}`);
      response.end(`you asked ${url} as ${headers.authorization}`);
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  });

  afterEach(async () => {
    await planes.close();
    server.close();
  });

  it('is sent, and stands in no output and no file, and is there again after a restart', async () => {
    const plane = await planes.start();
    await register(plane, (server.address() as AddressInfo).port);
    assert.equal(
      await outputOf(plane),
      'HTTP GET /health?[sealed]: 200 OK Output: you asked /health?[sealed] as [sealed]',
    );
    assert.deepEqual(new Set(asked), new Set([`${PATH} ${HEADERS.authorization}`]));
    assert.equal(await isOnDisk(plane), false);
    await plane.stop();
    asked = [];
    await planes.start();
    await until('the next run', () => asked.includes(`${PATH} ${HEADERS.authorization}`));
  });

  it('is sealed at the next start where it was kept as it is', async () => {
    const plane = await planes.start();
    await register(plane, (server.address() as AddressInfo).port);
    await outputOf(plane);
    await plane.stop();
    const file = join(plane.dataDirectory, 'rampart.db');
    const database = new DatabaseSync(file);
    const row = (): string => JSON.stringify(database.prepare('SELECT details, state FROM instances').get());
    const kind = { type: 'http', scheme: 'http', path: PATH, headers: HEADERS };
    const check = {
      checkId: 'alive',
      name: 'alive',
      kind,
      intervalMs: 1000,
      timeoutMs: 1000,
      initialStatus: 'critical',
    };
    const thresholds = { successBeforePassing: 0, failuresBeforeWarning: 0, failuresBeforeCritical: 0 };
    const state = { checkId: 'alive', name: 'alive', status: 'passing', output: `HTTP GET ${PATH}: 200`, changedAt: 1 };
    database
      .prepare('UPDATE instances SET details = ?, state = ?')
      .run(
        JSON.stringify({ checks: [{ ...check, ...thresholds }] }),
        JSON.stringify({ standing: { draining: false }, checks: [state] }),
      );
    assert.ok(row().includes(SECRET));
    asked = [];
    await planes.start();
    assert.ok(!row().includes(SECRET));
    database.close();
    await until('the next run', () => asked.includes(`${PATH} ${HEADERS.authorization}`));
  });
});

async function register(plane: ControlPlane, port: number): Promise<void> {
  const { registry, close } = connectAsAdmin(plane);
  const kind = { case: 'http', value: { scheme: 'http', path: PATH, headers: HEADERS } } as const;
  await registry.register({
    instance: {
      instanceId: 'payment-1',
      service: 'payment',
      namespace: 'default',
      host: '127.0.0.1',
      port,
      protocol: 'http',
      checks: [{ checkId: 'alive', kind, intervalMs: 1000n }],
    },
  });
  close();
}

/** Of the first run. */
async function outputOf(plane: ControlPlane): Promise<string> {
  const { registry, close } = connectAsAdmin(plane);
  let output = '';
  await until('the first run', async () => {
    const { instances } = await registry.find({ service: 'payment', namespace: 'default' });
    output = instances[0]?.checks[0]?.output ?? '';
    return output !== '';
  });
  close();
  return output;
}

async function isOnDisk({ dataDirectory }: ControlPlane): Promise<boolean> {
  const files = (await readdir(dataDirectory)).filter((name) => name.startsWith('rampart.db'));
  const contents = await Promise.all(files.map((name) => readFile(join(dataDirectory, name))));
  return contents.some((bytes) => bytes.includes(SECRET));
}
