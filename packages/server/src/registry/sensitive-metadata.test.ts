import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { ControlPlane } from '../control-plane.ts';
import { TestPlanes, until } from '../testing/test-plane.ts';
import { connectAsAdmin, connectTo } from '../testing/workload-client.ts';

const SECRET = 'hunter2-and-more';
const METADATA = { 'db-Password': SECRET, team: 'payments' };

describe('sensitive metadata of an instance', () => {
  const planes = new TestPlanes();

  beforeEach(() => planes.open());
  afterEach(() => planes.close());

  it('is sealed at rest and not in any record, and is there again after a restart', async () => {
    const plane = await planes.start();
    await register(plane);
    assert.deepEqual(await found(plane), METADATA);
    assert.equal(await isOnDisk(plane), false);
    const { admin, close } = connectAsAdmin(plane);
    const { records } = await admin.queryAudit({ limit: 1000 });
    close();
    assert.ok(records.some((record) => record.includes('"db-Password":"[sealed]"') && record.includes('payments')));
    assert.ok(!records.some((record) => record.includes(SECRET)));
    await plane.stop();
    assert.deepEqual(await found(await planes.start()), METADATA);
  });

  it('is found by whoever may write the service, and left out for whoever may only read it', async () => {
    const plane = await planes.start();
    await register(plane);
    const { tokens, admin, close } = connectAsAdmin(plane);
    const { token: viewer } = await tokens.createApiToken({ name: 'eve', role: 'viewer', ttlSeconds: 600 });
    const { token: service } = await tokens.createApiToken({ name: 'ann', role: 'service', ttlSeconds: 600 });
    for (const token of [viewer, service]) {
      assert.deepEqual(await found(plane, token), { team: 'payments' });
      assert.deepEqual(await watched(plane, token), { team: 'payments' });
    }
    await admin.apply({ document: acl('read') });
    assert.deepEqual(await found(plane, service), { team: 'payments' });
    await admin.apply({ document: acl('write') });
    assert.deepEqual(await found(plane, service), METADATA);
    assert.deepEqual(await watched(plane, service), METADATA);
    close();
  });

  it('is left out of answers of the API of Consul, and cannot be filtered by', async () => {
    const plane = await planes.start({ consul: { httpPort: 0 } });
    await register(plane);
    const { tokens, close } = connectAsAdmin(plane);
    const { token } = await tokens.createApiToken({ name: 'ann', role: 'service', ttlSeconds: 600 });
    close();
    const filter = encodeURIComponent(`ServiceMeta["db-Password"] == "${SECRET}"`);
    const paths = ['catalog/service/payment', 'health/service/payment', 'agent/services', 'health/state/any'];
    // Answers are kept, but not for others than those who may see the same.
    const operator = { headers: { 'x-consul-token': (await readFile(plane.adminTokenFile, 'utf8')).trim() } };
    const own = await fetch(`${plane.addresses.consul ?? ''}/v1/health/service/payment`, operator);
    assert.ok((await own.text()).includes(SECRET), 'operators see it');
    for (const path of [...paths, `catalog/service/payment?filter=${filter}`]) {
      const answer = await fetch(`${plane.addresses.consul ?? ''}/v1/${path}`, {
        headers: { 'x-consul-token': token },
      });
      const text = await answer.text();
      assert.equal(answer.status, 200, `${path}: ${text}`);
      assert.ok(!text.includes(SECRET), path);
      if (path.includes('filter')) assert.equal(text.trim(), '[]');
    }
  });

  it('that was kept as it is before is sealed at the next start, and when settings name it', async () => {
    const plane = await planes.start();
    await register(plane);
    await plane.stop();
    const file = join(plane.dataDirectory, 'rampart.db');
    const database = new DatabaseSync(file);
    database.prepare('UPDATE instances SET details = ?').run(JSON.stringify({ metadata: METADATA }));
    database.close();
    const again = await planes.start();
    assert.match(details(file), /^\{"metadata":\{"team":"payments"\},"sealed":"[^"]+"\}$/);
    assert.deepEqual(await found(again), METADATA);
    const { admin, close } = connectAsAdmin(again);
    await admin.apply({ document: SETTINGS });
    close();
    await until('the other key to be sealed', () => !details(file).includes('payments'));
    assert.deepEqual(await found(again), METADATA);
  });
});

const SETTINGS = `apiVersion: rampart.dev/v1
kind: RegistrySettings
metadata: {name: default, namespace: istio-system}
spec: {sensitiveMetadata: ['TEAM']}
`;

function acl(policy: string): string {
  return `apiVersion: rampart.dev/v1
kind: RegistryAcl
metadata: {name: ann, namespace: istio-system}
spec: {rules: [{service: payment, namespace: default, policy: ${policy}, identity: 'token:ann'}]}
`;
}

async function register(plane: ControlPlane): Promise<void> {
  const { registry, close } = connectAsAdmin(plane);
  await registry.register({
    instance: {
      instanceId: 'payment-1',
      service: 'payment',
      namespace: 'default',
      host: '10.0.0.1',
      port: 8080,
      protocol: 'http',
      metadata: METADATA,
    },
  });
  close();
}

async function found(plane: ControlPlane, token?: string): Promise<unknown> {
  const { registry, close } = token === undefined ? connectAsAdmin(plane) : connectTo(plane, { token });
  const { instances } = await registry.find({ service: 'payment', namespace: 'default' });
  close();
  return instances[0]?.metadata;
}

async function watched(plane: ControlPlane, token: string): Promise<unknown> {
  const { registry, close } = connectTo(plane, { token });
  try {
    for await (const { events } of registry.watch({ service: 'payment', namespace: 'default' })) {
      for (const { event } of events) if (event.case === 'put') return event.value.metadata;
    }
    return undefined;
  } finally {
    close();
  }
}

function details(file: string): string {
  const database = new DatabaseSync(file, { readOnly: true });
  const row = database.prepare('SELECT details FROM instances').get();
  database.close();
  return String(row?.['details']);
}

async function isOnDisk({ dataDirectory }: ControlPlane): Promise<boolean> {
  const files = (await readdir(dataDirectory)).filter((name) => name.startsWith('rampart.db'));
  const contents = await Promise.all(files.map((name) => readFile(join(dataDirectory, name))));
  return contents.some((bytes) => bytes.includes(SECRET));
}
