import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import { leafHash, openCheckpoint, parseVerifierKey, verifyConsistency, verifyInclusion } from '@rampart/journal';
import { createCsr, generateKeyPair, parseCertificate } from '@rampart/spiffe';
import type { RecordedEntry, SvidResponse } from '@rampart/wire';
import type { ControlPlane } from '../control-plane.ts';
import { TestPlanes } from '../testing/test-plane.ts';
import { attest, connectAsAdmin, connectTo } from '../testing/workload-client.ts';

const ORDERS = { namespace: 'default', serviceAccount: 'orders', service: 'orders-api' };
const ORDERS_ID = 'spiffe://cluster.local/ns/default/sa/orders';

describe('the ledger at the door', () => {
  const planes = new TestPlanes();

  beforeEach(() => planes.open());
  afterEach(() => planes.close());

  /** One identity with all that can happen to it: issued, rotated, revoked. */
  async function lived(plane: ControlPlane): Promise<{ readonly old: string; readonly next: string }> {
    const { response, credentials } = await attest(plane, ORDERS);
    const { identity } = planes.keep(connectTo(plane, { credentials }));
    const renewed = await identity.renew({ csr: createCsr(generateKeyPair()) });
    const { admin } = planes.keep(connectAsAdmin(plane));
    await admin.revokeCertificate({ serial: serialOf(renewed), reason: 'laptop stolen' });
    return { old: serialOf(response), next: serialOf(renewed) };
  }

  it('tells of a certificate what took its place, and of an identity all that happened, in order', async () => {
    const plane = await planes.start();
    const { old, next } = await lived(plane);
    const { ledger } = planes.keep(connectAsAdmin(plane));
    const first = await ledger.getCertificateRecord({ serial: `00:${old.toUpperCase()}` });
    assert.deepEqual(
      first.entries.map(({ kind }) => kind),
      ['CERTIFICATE_ISSUED', 'CERTIFICATE_ISSUED'],
    );
    assert.equal(first.certificate?.serial, old);
    const { entries } = await ledger.listIdentityHistory({ spiffeId: ORDERS_ID });
    assert.deepEqual(
      entries.map(({ kind, body }) => [kind, (JSON.parse(body) as { serial: string }).serial]),
      [
        ['CERTIFICATE_ISSUED', old],
        ['CERTIFICATE_ISSUED', next],
        ['CERTIFICATE_REVOKED', next],
      ],
    );
    const newest = await ledger.listIdentityHistory({ spiffeId: ORDERS_ID, limit: 1 });
    assert.deepEqual(
      newest.entries.map(({ kind }) => kind),
      ['CERTIFICATE_REVOKED'],
    );
  });

  it('proves entries in a checkpoint that they are in, and a checkpoint against an earlier one', async () => {
    const plane = await planes.start();
    const { ledger } = planes.keep(connectAsAdmin(plane));
    const earlier = await ledger.getCheckpoint({ fresh: true });
    const { next } = await lived(plane);
    const { entries } = await ledger.getCertificateRecord({ serial: next });
    const proven = await ledger.proveEntries({ sequences: entries.map(({ sequence }) => sequence) });
    const key = parseVerifierKey(proven.verifierKey);
    assert.ok(key.ok);
    const checkpoint = openCheckpoint(proven.checkpoint, key.value);
    assert.ok(checkpoint.ok);
    const { size, root } = checkpoint.value;
    for (const { entry, path } of proven.entries) {
      const proof = { index: Number(entry?.sequence) - 1, size, hashes: path };
      assert.ok(verifyInclusion(proof, leafHash(entry?.body ?? ''), root));
    }
    const before = openCheckpoint(earlier.note, key.value);
    assert.ok(before.ok);
    const later = await ledger.getCheckpoint({ since: BigInt(before.value.size) });
    const now = openCheckpoint(later.note, key.value);
    assert.ok(now.ok);
    const extension = { first: before.value.size, second: now.value.size, hashes: later.consistency };
    assert.ok(verifyConsistency(extension, before.value.root, now.value.root));
  });

  it('gives out the whole journal, a part of it, and nothing where nothing is', async () => {
    const plane = await planes.start();
    await lived(plane);
    const { ledger } = planes.keep(connectAsAdmin(plane));
    const read = async (after: number, upTo = 0): Promise<number[]> => {
      const entries: RecordedEntry[] = [];
      const request = { after: BigInt(after), upTo: BigInt(upTo) };
      for await (const page of ledger.readJournal(request)) entries.push(...page.entries);
      return entries.map(({ sequence }) => Number(sequence));
    };
    const all = await read(0);
    assert.deepEqual(
      all,
      Array.from({ length: all.length }, (_, index) => index + 1),
    );
    assert.deepEqual(await read(2, 4), [3, 4]);
    assert.deepEqual(await read(all.length), []);
  });

  it('says which entry is missing', async () => {
    const plane = await planes.start();
    const { old } = await lived(plane);
    const { ledger } = planes.keep(connectAsAdmin(plane));
    const { entries } = await ledger.getCertificateRecord({ serial: old });
    const sequence = entries[0]?.sequence ?? 0n;
    const database = new DatabaseSync(join(plane.dataDirectory, 'rampart.db'));
    database.exec(`DELETE FROM journal_entries WHERE sequence = ${sequence}`);
    database.close();
    await assert.rejects(ledger.proveEntries({ sequences: [sequence] }), (error) => {
      assert.ok(error instanceof ConnectError);
      assert.match(error.rawMessage, new RegExp(`entry ${sequence} is missing`));
      return true;
    });
  });

  it('is for those who may read the record only', async () => {
    const plane = await planes.start();
    const { credentials } = await attest(plane, ORDERS);
    for (const caller of [connectTo(plane), connectTo(plane, { credentials })]) {
      await assert.rejects(planes.keep(caller).ledger.getCheckpoint({}), (error) => {
        assert.ok(error instanceof ConnectError);
        return error.code === Code.Unauthenticated || error.code === Code.PermissionDenied;
      });
    }
  });
});

function serialOf({ chain: [leaf] }: SvidResponse): string {
  const parsed = parseCertificate(leaf ?? new Uint8Array());
  assert.ok(parsed.ok);
  return parsed.value.serial;
}
