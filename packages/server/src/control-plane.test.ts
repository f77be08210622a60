import assert from 'node:assert/strict';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { ControlPlaneOptions } from './control-plane-options.ts';
import { listen } from './doors/listening.ts';
import { TestPlanes, until } from './testing/test-plane.ts';
import { attest, connectAsAdmin, connectTo } from './testing/workload-client.ts';
import { ManualClock } from './testing/manual-clock.ts';

const WORKLOAD = { namespace: 'default', serviceAccount: 'orders', service: 'orders-api' };

describe('a control plane', () => {
  const planes = new TestPlanes();

  beforeEach(() => planes.open());
  afterEach(() => planes.close());

  it('writes what a client needs, the token for its owner only', async () => {
    const plane = await planes.start();
    assert.match(await readFile(plane.caFile, 'utf8'), /^-----BEGIN CERTIFICATE-----/);
    assert.equal((await stat(plane.adminTokenFile)).mode & 0o777, 0o600);
    assert.equal((await stat(plane.dataDirectory)).mode & 0o777, 0o700);
    assert.equal((await stat(join(plane.dataDirectory, 'rampart.db'))).mode & 0o777, 0o600);
    assert.deepEqual(JSON.parse(await readFile(join(plane.dataDirectory, 'client.json'), 'utf8')), {
      address: plane.addresses.api,
      ca: 'ca.pem',
      token: 'admin.token',
      registry: 'spiffe://cluster.local/ns/istio-system/sa/rampart-server',
    });
  });

  it('makes no key where those that are there are under one that is missing', async () => {
    const plane = await planes.start();
    await plane.stop();
    const master = join(plane.dataDirectory, 'keys', 'master.key');
    await rm(master);
    await assert.rejects(planes.start(), { code: 'KEY_UNREADABLE', message: /master\.key, which is missing/ });
    await assert.rejects(stat(master), { code: 'ENOENT' });
  });

  const LOSSES: readonly [what: string, lose: (database: string) => Promise<void>, problem: RegExp][] = [
    ['missing', async () => undefined, /rampart\.db is missing, but its mesh left .*keys: .*rampart restore FILE /],
    ['emptied', (database) => writeFile(database, ''), /rampart\.db is empty, but /],
    [
      'without tables',
      async (database) => new DatabaseSync(database).exec('VACUUM'),
      /rampart\.db holds nothing, but /,
    ],
  ];
  for (const [what, lose, message] of LOSSES) {
    it(`makes no new mesh where the database of another is ${what}`, async () => {
      const plane = await planes.start();
      await plane.stop();
      const { dataDirectory } = plane;
      const database = join(dataDirectory, 'rampart.db');
      const whole = await readFile(database);
      for (const part of ['', '-wal', '-shm']) await rm(`${database}${part}`, { force: true });
      await lose(database);
      const left = await readdir(dataDirectory, { recursive: true });
      await assert.rejects(planes.start(), { code: 'DATA_DIRECTORY_UNREADABLE', message });
      await assert.rejects(planes.start({ beginRevocationFile: true }), { code: 'DATA_DIRECTORY_UNREADABLE' });
      assert.deepEqual(await readdir(dataDirectory, { recursive: true }), left);
      await writeFile(database, whole);
      await planes.start();
    });
  }

  const REFUSED: readonly [what: string, options: Partial<ControlPlaneOptions>][] = [
    ['trust domain', { trustDomain: 'A B' }],
    ['issuer of JWT-SVIDs', { jwt: { issuer: 'here' } }],
    ['URL of revocation lists', { crlUrl: 'here' }],
    ['life of certificates', { lifetimes: { workloadMs: 1 } }],
    [
      'certificate for the web',
      { federation: { webDoor: { port: 0, certificateFile: '/none.pem', keyFile: '/none.pem' } } },
    ],
  ];
  for (const [what, options] of REFUSED) {
    it(`leaves nothing behind when a first start is refused for its ${what}`, async () => {
      const root = dirname(planes.dataDirectory);
      const revocationFile = join(root, 'revocations.log');
      await assert.rejects(planes.start({ ...options, revocationFile }), { name: 'RampartError' });
      assert.deepEqual(await readdir(root), []);
    });
  }

  it('loses nothing when a later start is refused', async () => {
    const plane = await planes.start();
    await plane.stop();
    const files = await readdir(plane.dataDirectory, { recursive: true });
    await assert.rejects(planes.start({ crlUrl: 'here' }), { name: 'RampartError' });
    const message = /is of trust domain cluster\.local, not other\.example; start with --trust-domain cluster\.local/;
    await assert.rejects(planes.start({ trustDomain: 'other.example' }), { code: 'INVALID_ARGUMENT', message });
    assert.deepEqual(await readdir(plane.dataDirectory, { recursive: true }), files);
    await planes.start();
  });

  it('answers orchestrators and Prometheus on loopback', async () => {
    const { addresses } = await planes.start();
    const page = async (path: string): Promise<string> => (await fetch(addresses.metrics + path)).text();
    assert.equal(await page('/healthz'), 'ok\n');
    assert.equal(await page('/readyz'), 'ready\n');
    assert.match(await page('/metrics'), /^rampart_data_planes 0$/m);
    assert.equal((await fetch(`${addresses.metrics}/secrets`)).status, 404);
    assert.equal((await fetch(`${addresses.metrics}/metrics`, { method: 'POST' })).status, 405);
  });

  it('has no metric that the README does not name, and names none that is not there', async () => {
    const { addresses } = await planes.start({ dns: { port: 0 }, consul: { httpPort: 0 } });
    const text = await (await fetch(`${addresses.metrics}/metrics`)).text();
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    const served = new Set(text.match(/(?<=^# TYPE )\w+/gm));
    const named = new Set(readme.match(/\brampart_[a-z_]+/g));
    assert.deepEqual([...named].sort(), [...served].sort());
  });

  it('keeps everything over a restart: roots, token, policies, certificates, audit record', async () => {
    const first = await planes.start();
    const ca = await readFile(first.caFile, 'utf8');
    const token = await readFile(first.adminTokenFile, 'utf8');
    const { credentials } = await attest(first, WORKLOAD);
    const before = connectAsAdmin(first);
    await before.admin.apply({
      document:
        '{"apiVersion":"security.istio.io/v1","kind":"PeerAuthentication","metadata":{"name":"default"},"spec":{}}',
    });
    const audit = await before.admin.queryAudit({});
    before.close();
    await first.stop();
    const second = await planes.start();
    assert.equal(await readFile(second.caFile, 'utf8'), ca);
    assert.equal(await readFile(second.adminTokenFile, 'utf8'), token);
    const after = connectAsAdmin(second);
    const workload = connectTo(second, { credentials });
    try {
      assert.equal((await after.admin.getResources({})).resources.length, 1);
      const kept = (await after.admin.queryAudit({ limit: 1000 })).records;
      assert.deepEqual(kept.slice(-audit.records.length), audit.records);
      await workload.telemetry.report({ reporter: 'r', sequence: 1n });
    } finally {
      after.close();
      workload.close();
    }
  });

  it('gives a new token for a lost one, and the lost one ends', async () => {
    const first = await planes.start();
    const lost = (await readFile(first.adminTokenFile, 'utf8')).trim();
    await first.stop();
    await rm(first.adminTokenFile);
    const second = await planes.start();
    const finder = connectTo(second, { token: lost });
    const owner = connectAsAdmin(second);
    try {
      await assert.rejects(finder.admin.getStatus({}));
      await owner.admin.getStatus({});
    } finally {
      finder.close();
      owner.close();
    }
  });

  it('is the only one on its data directory, and says who is there', async () => {
    await planes.start();
    const files = await readdir(planes.dataDirectory);
    await assert.rejects(planes.start(), {
      code: 'DATA_DIRECTORY_LOCKED',
      message: new RegExp(`in use by process ${process.pid};`),
    });
    assert.deepEqual(await readdir(planes.dataDirectory), files);
  });

  for (const port of ['api', 'metrics'] as const) {
    it(`says so when its ${port} port is in use, and leaves nothing behind`, async () => {
      const other = createServer();
      const taken = await listen(other, { host: '127.0.0.1', port: 0 });
      try {
        const ports = { api: 0, metrics: 0, [port]: taken };
        await assert.rejects(planes.start({ ports }), { code: 'PORT_IN_USE', message: new RegExp(`port ${taken} `) });
        assert.deepEqual(await readdir(dirname(planes.dataDirectory)), []);
      } finally {
        other.close();
      }
      await planes.start();
    });
  }

  it('says so when its data directory is none', async () => {
    await writeFile(planes.dataDirectory, '');
    await assert.rejects(planes.start(), { code: 'DATA_DIRECTORY_UNREADABLE' });
  });

  it('says so when its data directory cannot be made, even where the file system gives no good reason', async () => {
    // On Linux /proc answers ENOENT to whoever makes something in it; elsewhere there is no /proc and none may make it.
    await assert.rejects(planes.start({ dataDirectory: '/proc/rampart/data' }), { code: 'DATA_DIRECTORY_UNREADABLE' });
  });

  it('says so when its database is damaged, and frees ports and directory', async () => {
    const first = await planes.start();
    await first.stop();
    const good = await readFile(join(planes.dataDirectory, 'rampart.db'));
    await writeFile(
      join(planes.dataDirectory, 'rampart.db'),
      'this is no database, whatever its name says, and never was one',
    );
    await assert.rejects(planes.start(), { code: 'STORAGE_FAILED' });
    await writeFile(join(planes.dataDirectory, 'rampart.db'), good);
    await planes.start();
  });

  it('stops once, however often it is asked to', async () => {
    const plane = await planes.start();
    await Promise.all([plane.stop(), plane.stop()]);
    await assert.rejects(fetch(`${plane.addresses.metrics}/healthz`));
  });

  it('renews its own certificate at half of its life', async () => {
    const clock = new ManualClock();
    const plane = await planes.start({ clock, random: () => 0.5, lifetimes: { serverMs: 60_000 } });
    const admin = connectAsAdmin(plane);
    try {
      const servers = async (): Promise<number> =>
        (await admin.admin.listCertificates({})).certificates.filter(({ kind }) => kind === 'server').length;
      assert.equal(await servers(), 1);
      clock.advance(31_000);
      await until('the next certificate', async () => (await servers()) === 2);
    } finally {
      admin.close();
    }
  });
});
