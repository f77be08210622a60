import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { openCheckpoint, parseVerifierKey } from '@rampart/journal';
import type { ControlPlane } from '../control-plane.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { TestPlanes, until } from '../testing/test-plane.ts';
import { connectAsAdmin } from '../testing/workload-client.ts';

describe('the checkpoints of a control plane', () => {
  const planes = new TestPlanes();

  beforeEach(() => planes.open());
  afterEach(() => planes.close());

  it('are signed at a cadence, and published with the key that they verify with', async () => {
    const clock = new ManualClock();
    const plane = await planes.start({ clock });
    const first = await published(plane);
    const { admin, close } = connectAsAdmin(plane);
    await admin.createJoinToken({
      workload: { namespace: 'default', serviceAccount: 'orders', service: 'orders-api' },
    });
    close();
    await until('the next checkpoint', async () => {
      clock.advance(60_000);
      return (await published(plane)).size > first.size;
    });
  });

  it('go on with the same key after a restart', async () => {
    const before = await planes.start();
    const first = await published(before);
    await before.stop();
    const after = await planes.start();
    await until('a checkpoint of the next start', async () => (await published(after)).size > first.size);
    assert.equal((await published(after)).key, first.key);
  });

  it('stand beside the database, too: that one is gone is on record, and a first start misses none', async () => {
    const before = await planes.start();
    await published(before);
    assert.equal(await losses(before), 0);
    await before.stop();
    await rm(join(planes.dataDirectory, 'journal.checkpoint'));
    const after = await planes.start();
    await until('a record of it', async () => (await losses(after)) === 1);
    await after.stop();
    assert.equal(await losses(await planes.start()), 1);
  });
});

/** How often the checkpoint beside the database was missed. */
async function losses(plane: ControlPlane): Promise<number> {
  const { admin, ledger, close } = connectAsAdmin(plane);
  await ledger.getCheckpoint({ fresh: true });
  const { records } = await admin.queryAudit({ eventType: 'JOURNAL_ANCHOR_LOST', limit: 10 });
  close();
  return records.length;
}

interface Published {
  readonly size: number;
  readonly key: string;
}

/** What anybody sees, once there is a checkpoint. */
async function published(plane: ControlPlane): Promise<Published> {
  await until('a checkpoint', async () => (await get(plane, '/journal/checkpoint')).status === 200);
  const note = await get(plane, '/journal/checkpoint');
  const vkey = await get(plane, '/journal/key');
  const key = parseVerifierKey(vkey.body.trim());
  assert.ok(key.ok);
  const opened = openCheckpoint(note.body, key.value);
  assert.ok(opened.ok);
  assert.equal(opened.value.origin, 'cluster.local/journal');
  return { size: opened.value.size, key: vkey.body };
}

async function get(plane: ControlPlane, path: string): Promise<{ readonly status: number; readonly body: string }> {
  const ca = await readFile(plane.caFile);
  return new Promise((resolve, reject) => {
    request(new URL(path, plane.addresses.api), { ca, agent: false }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    })
      .on('error', reject)
      .end();
  });
}
