import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { createLogger } from './log.ts';

const log = createLogger({ level: 'silent', destination: { write: () => undefined }, pretty: false });

describe('a control plane', () => {
  let directory = '';
  const running: ControlPlane[] = [];

  beforeEach(async () => {
    directory = join(await mkdtemp(join(tmpdir(), 'rampart-')), 'data');
  });

  afterEach(async () => {
    await Promise.all(running.splice(0).map((plane) => plane.stop()));
    await rm(join(directory, '..'), { recursive: true });
  });

  async function start(): Promise<ControlPlane> {
    const plane = await startControlPlane({ dataDirectory: directory, ports: { api: 0, metrics: 0 }, log });
    running.push(plane);
    return plane;
  }

  it('writes what a client needs, the token for its owner only', async () => {
    const plane = await start();
    assert.match(await readFile(plane.caFile, 'utf8'), /^-----BEGIN CERTIFICATE-----/);
    assert.equal((await stat(plane.adminTokenFile)).mode & 0o777, 0o600);
    assert.deepEqual(JSON.parse(await readFile(join(directory, 'client.json'), 'utf8')), { address: plane.addresses.api, ca: 'ca.pem', token: 'admin.token' });
    const ready = await fetch(`${plane.addresses.metrics}/readyz`);
    assert.equal(ready.status, 200);
  });
});
