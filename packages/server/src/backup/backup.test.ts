import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { access, copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { verifierKeyOf } from '@rampart/journal';
import type { ControlPlaneMessage } from '@rampart/wire';
import { OctetReader, openStream, sealStream } from '@rampart/keyring';
import { TransitServer } from '@rampart/testkit';
import { createSystemClock } from '../clock.ts';
import type { ControlPlane } from '../control-plane.ts';
import { COST, NO_KEYS, PASSPHRASE, TestBackups } from '../testing/test-backups.ts';
import { until } from '../testing/test-plane.ts';
import { FakeDataPlane } from '../testing/fake-data-plane.ts';
import { attest, connectAsAdmin, connectTo, type Credentials } from '../testing/workload-client.ts';
import { CONTEXT, createBackup, type CreatedBackup } from './create.ts';
import type { Restoration, Restored } from './restore.ts';
import { verifyBackup } from './verify.ts';

const clock = createSystemClock();
const STRANGER = generateKeyPairSync('ed25519').publicKey;

describe('a backup', () => {
  const backups = new TestBackups();
  const { planes } = backups;
  const backUp = (plane: ControlPlane, out?: string): Promise<CreatedBackup> => backups.backUp(plane, out);
  const restore = (change?: Partial<Restoration>): Promise<Restored> => backups.restore(change);
  const nothingWritten = (): Promise<void> => backups.nothingWritten();
  let root: string;
  let file: string;
  let target: string;

  beforeEach(async () => {
    await backups.open();
    ({ root, file, target } = backups);
  });
  afterEach(() => backups.close());

  it('taken under load has everything that was acknowledged before, and starts again', async () => {
    const plane = await planes.start();
    const { admin, close } = connectAsAdmin(plane);
    const tokens: string[] = [];
    const over = new AbortController();
    const load = Array.from({ length: 8 }, async (_, caller) => {
      while (!over.signal.aborted) {
        const workload = { namespace: 'default', serviceAccount: `w${caller}`, service: '' };
        tokens.push((await admin.createJoinToken({ workload })).token);
      }
    });
    await until('load', () => tokens.length > 100);
    const before = tokens.length;
    const { manifest } = await backUp(plane);
    const during = tokens.length - before;
    over.abort();
    await Promise.all(load);
    close();
    assert.ok(during > 0, 'the control plane worked on meanwhile');
    await planes.latest.stop();

    const { ended } = await restore({ key: manifest.key });
    assert.ok(ended.joinTokens >= before, `${ended.joinTokens} of ${before}`);
    const again = await planes.start({ dataDirectory: target });
    assert.deepEqual((await kindsOf(again)).slice(0, 1), ['BACKUP_RESTORED']);
    const { ledger, close: closeAgain } = connectAsAdmin(again);
    await ledger.getCheckpoint({ fresh: true });
    closeAgain();
  });

  it('has the last checkpoint of its database beside it once restored: one may have been signed since the files were copied', async () => {
    const plane = await planes.start();
    const kept = join(plane.dataDirectory, 'journal.checkpoint');
    await until('the first checkpoint', () => existsSync(kept));
    const first = await readFile(kept);
    await plane.stop();
    const last = await readFile(kept, 'utf8');
    await writeFile(kept, first);
    const { dataDirectory: directory } = plane;
    const record = (): Promise<never> => Promise.reject(new Error('nobody is there'));
    await createBackup({ directory, out: file, passphrase: PASSPHRASE, keys: NO_KEYS, cost: COST, clock, record });
    await restore();
    assert.equal(await readFile(join(target, 'journal.checkpoint'), 'utf8'), last);
    assert.notEqual(first.toString(), last);
  });

  it('is on the audit record, with or without a control plane that is running', async () => {
    const plane = await planes.start();
    await backUp(plane);
    assert.ok((await kindsOf(plane)).includes('BACKUP_CREATED'));
    await plane.stop();
    const record = (): Promise<never> => Promise.reject(new Error('nobody is there'));
    const { dataDirectory: directory } = plane;
    const out = join(root, 'two.rampart');
    await createBackup({ directory, out, passphrase: PASSPHRASE, keys: NO_KEYS, cost: COST, clock, record });
    const again = await planes.start();
    assert.equal((await kindsOf(again)).filter((kind) => kind === 'BACKUP_CREATED').length, 2);
  });

  it('is not there when it could not be recorded, nor put over another file', async () => {
    const plane = await planes.start();
    const wanted = {
      directory: plane.dataDirectory,
      out: file,
      passphrase: PASSPHRASE,
      keys: NO_KEYS,
      cost: COST,
      clock,
    };
    await assert.rejects(createBackup({ ...wanted, record: () => Promise.reject(new Error('away')) }));
    await assert.rejects(access(file));
    await writeFile(file, 'mine');
    await assert.rejects(backUp(plane), { code: 'ALREADY_EXISTS' });
    assert.equal(await readFile(file, 'utf8'), 'mine');
    assert.ok(!(await readdir(plane.dataDirectory)).includes('backup.tmp'));
  });

  it('goes only into an empty directory', async () => {
    await backUp(await planes.start());
    await mkdir(target);
    await writeFile(join(target, 'mine'), '');
    await assert.rejects(restore(), { code: 'ALREADY_EXISTS' });
    assert.deepEqual(await readdir(target), ['mine']);
  });

  it('that was tampered with, cut off, or is not for this reader is refused, and nothing is written', async () => {
    const plane = await planes.start();
    await backUp(plane);
    await backUp(plane, join(root, 'two.rampart'));
    const sealed = await readFile(file);
    const { head, parts } = partsOf(sealed);
    const other = partsOf(await readFile(join(root, 'two.rampart')));
    const [first = sealed, second = sealed, ...rest] = parts;
    const flipped = (at: number): Buffer => {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      return changed;
    };
    const cases: Readonly<Record<string, Uint8Array>> = {
      'one bit of how it begins': flipped(0),
      'one bit of the length of its head': flipped(6),
      'one bit of its head': flipped(20),
      'one bit of the salt or the wrapped key': flipped(head.length - 8),
      'the first bit of the first part': flipped(head.length),
      'one bit of the seal of the first part': flipped(head.length + first.length - 1),
      'the first bit of the second part': flipped(head.length + first.length),
      'parts in another order': Buffer.concat([head, second, first, ...rest]),
      'a part left out': Buffer.concat([head, first, ...rest]),
      'a part twice': Buffer.concat([head, first, first, second, ...rest]),
      'without its last part': Buffer.concat([head, ...parts.slice(0, -1)]),
      'the head of another backup': Buffer.concat([other.head, ...parts]),
      'a part of another backup': Buffer.concat([head, first, other.parts[1] ?? second, ...rest]),
      'the end of another backup': Buffer.concat([head, ...parts.slice(0, -1), ...other.parts.slice(-1)]),
      'one bit of the first part': flipped(1000),
      'one bit of the last part': flipped(sealed.length - 1),
      'cut off at the end of a part': sealed.subarray(0, sealed.length - (sealed.length % 1000)),
      'half of it': sealed.subarray(0, sealed.length / 2),
      'nothing in it': new Uint8Array(),
      'more than there was': Buffer.concat([sealed, sealed]),
      'no backup': Buffer.from('SQLite format 3'),
    };
    const copy = join(root, 'copy');
    for (const [what, bytes] of Object.entries(cases)) {
      await writeFile(copy, bytes);
      await assert.rejects(restore({ file: copy }), { code: 'INVALID_BACKUP' }, what);
      await assert.rejects(
        verifyBackup({ file: copy, passphrase: PASSPHRASE, key: undefined }),
        { code: 'INVALID_BACKUP' },
        what,
      );
      await nothingWritten();
    }
    await assert.rejects(restore({ passphrase: 'three words and a bee' }), /made with another passphrase/);
    const stranger = verifierKeyOf('cluster.local/journal', STRANGER.export({ type: 'spki', format: 'der' }));
    await assert.rejects(restore({ key: stranger }), /was made by cluster.local\/journal\+[0-9a-f]{8}, not by/);
    await nothingWritten();
  });

  it('that somebody with the passphrase put together anew is refused: it is not what was signed', async () => {
    await backUp(await planes.start());
    const contents = await unsealed(file);
    const start = contents.indexOf('SQLite format 3');
    const cases: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
      'another database': (bytes) => Buffer.from(bytes.fill('x', start + 5000, start + 5010)),
      'another manifest': (bytes) => Buffer.from(bytes.fill(bytes[120] === 0x30 ? '1' : '0', 120, 121)),
      'more at the end': (bytes) => Buffer.concat([bytes, Buffer.from('x')]),
      'less at the end': (bytes) => bytes.subarray(0, -1),
    };
    const copy = join(root, 'copy');
    for (const [what, change] of Object.entries(cases)) {
      await writeFile(
        copy,
        sealStream(piece(change(Buffer.from(contents))), { passphrase: PASSPHRASE, context: CONTEXT, cost: COST }),
      );
      await assert.rejects(restore({ file: copy }), { code: 'INVALID_BACKUP' }, what);
      await nothingWritten();
    }
  });

  it('of a journal that was changed is not made', async () => {
    const plane = await planes.start();
    const database = new DatabaseSync(join(plane.dataDirectory, 'rampart.db'));
    database.exec(`UPDATE journal_entries SET body = '{}' WHERE sequence = 2`);
    database.close();
    await assert.rejects(backUp(plane), { code: 'JOURNAL_INCONSISTENT' });
    await assert.rejects(access(file));
  });

  it('is not made without the revocation file that the control plane writes', async () => {
    const plane = await planes.start({ revocationFile: join(root, 'volume', 'revocations.log') });
    await assert.rejects(backUp(plane), /revocations\.log cannot be read; .* --revocation-file/);
    const stale = join(plane.dataDirectory, 'revocations.log');
    await copyFile(join(root, 'volume', 'revocations.log'), stale);
    const { credentials } = await attest(plane, { namespace: 'default', serviceAccount: 'lost' });
    const { admin, close } = connectAsAdmin(plane);
    const serial = new X509Certificate(credentials.certificate).serialNumber.toLowerCase();
    await admin.revokeCertificate({ serial, reason: 'stolen' });
    close();
    await assert.rejects(backUp(plane), /revocations\.log was cut: .* --revocation-file/);
    await assert.rejects(access(file));
  });

  it('brings back nothing that was revoked since, with the newest revocation file', async () => {
    const plane = await planes.start();
    const { credentials } = await attest(plane, { namespace: 'default', serviceAccount: 'lost' });
    const lostSerial = new X509Certificate(credentials.certificate).serialNumber.toLowerCase();
    await backUp(plane);
    const older = join(root, 'older.log');
    await copyFile(join(plane.dataDirectory, 'revocations.log'), older);
    const first = connectAsAdmin(plane);
    await first.admin.revokeCertificate({ serial: lostSerial, reason: 'stolen' });
    first.close();
    await backUp(plane, join(root, 'two.rampart'));
    await plane.stop();
    const revocations = join(plane.dataDirectory, 'revocations.log');

    await assert.rejects(restore({ file: join(root, 'two.rampart'), revocations: older }), /older than the one/);
    await restore({ revocations });
    const again = connectAsAdmin(await planes.start({ dataDirectory: target }));
    const { certificates } = await again.admin.listCertificates({});
    again.close();
    const lost = certificates.find(({ serial }) => serial === lostSerial);
    assert.ok(lost !== undefined && lost.revokedAt > 0n);
  });

  it('brings back nothing that was revoked since, where the revocation file is on a volume that is still there', async () => {
    const revocationFile = join(root, 'volume', 'revocations.log');
    const plane = await planes.start({ revocationFile });
    const { credentials } = await attest(plane, { namespace: 'default', serviceAccount: 'lost' });
    const lostSerial = new X509Certificate(credentials.certificate).serialNumber.toLowerCase();
    await backups.backUp(plane, file, { revocationFile });
    const { admin, close } = connectAsAdmin(plane);
    await admin.revokeCertificate({ serial: lostSerial, reason: 'stolen' });
    close();
    await plane.stop();
    await restore();
    const again = connectAsAdmin(await planes.start({ dataDirectory: target, revocationFile }));
    const { certificates } = await again.admin.listCertificates({});
    again.close();
    assert.ok(certificates.some(({ serial, revokedAt }) => serial === lostSerial && revokedAt > 0n));
  });

  it('of a control plane whose keys are in a service starts with that service and not without it', async () => {
    const service = await TransitServer.start(Date.now());
    try {
      const tokenFile = join(root, 'service.token');
      await writeFile(tokenFile, service.token, { mode: 0o600 });
      const keyService = { url: service.url, ca: service.ca, tokenFile };
      const plane = await planes.start({ keyService });
      const { ledger, close } = connectAsAdmin(plane);
      const wanted = {
        directory: plane.dataDirectory,
        out: file,
        passphrase: PASSPHRASE,
        cost: COST,
        clock,
        record: (manifest: string) => ledger.recordBackup({ manifest }),
      };
      await assert.rejects(createBackup({ ...wanted, keys: NO_KEYS }), /name it with --key-service/);
      service.mood = 'sealed';
      await assert.rejects(createBackup({ ...wanted, keys: { ...NO_KEYS, keyService } }), { name: 'RampartError' });
      await assert.rejects(access(file));
      service.mood = 'well';
      const { manifest } = await createBackup({ ...wanted, keys: { ...NO_KEYS, keyService } });
      close();
      assert.deepEqual(
        manifest.files.map(({ name }) => name).filter((name) => /root|intermediate|journal\.key/.test(name)),
        [],
      );
      await plane.stop();
      await restore({ revocations: join(plane.dataDirectory, 'revocations.log') });
      await assert.rejects(planes.start({ dataDirectory: target }), { name: 'RampartError' });
      const again = await planes.start({ dataDirectory: target, keyService });
      await attest(again, { namespace: 'default', serviceAccount: 'orders' });
      assert.equal(await readFile(again.caFile, 'utf8'), await readFile(plane.caFile, 'utf8'));
    } finally {
      await service.close();
    }
  });

  it('is another history than what came after it: nobody goes on in it from there', async () => {
    const register = async (plane: ControlPlane, count: number): Promise<bigint> => {
      const { registry, close } = connectAsAdmin(plane);
      let newest = 0n;
      for (let index = 0; index < count; index += 1) {
        const instance = {
          instanceId: `web-${index}`,
          service: 'web',
          namespace: 'default',
          host: '10.0.0.1',
          port: 80,
        };
        newest = (await registry.register({ instance: { ...instance, permanent: true } })).revision;
      }
      close();
      return newest;
    };
    const credentialsOf = async (plane: ControlPlane): Promise<Credentials> =>
      (await attest(plane, { namespace: 'default', serviceAccount: 'reader' })).credentials;
    const listen = async (
      plane: ControlPlane,
      credentials: Credentials,
      revision = 0,
    ): Promise<ControlPlaneMessage> => {
      const client = connectTo(plane, { credentials });
      const stream = new FakeDataPlane(client).connect({ revision });
      await until('the first message', () => stream.received.length > 0);
      stream.kill();
      const [first] = stream.received;
      assert.ok(first !== undefined);
      return first;
    };
    const first = await planes.start();
    const credentials = await credentialsOf(first);
    await backUp(first);
    await first.stop();
    const second = await planes.start();
    const found = await register(second, 3);
    const told = await listen(second, credentials);
    await second.stop();

    await restore();
    const restored = await planes.start({ dataDirectory: target });
    await register(restored, 10);
    const { registry, close } = connectAsAdmin(restored);
    const watch = registry.watch({ namespace: 'default', from: found });
    await assert.rejects(watch[Symbol.asyncIterator]().next(), /WATCH_COMPACTED|begins after/);
    close();
    const after = await listen(restored, credentials, Number(told.revision));
    assert.ok(after.reset, 'what it knows is of another history');
    assert.ok(after.bundle !== undefined && told.bundle !== undefined);
    assert.ok(after.bundle.sequence > told.bundle.sequence, 'its roots count');
  });
});

/** Records of backups, newest first. */
async function kindsOf(plane: ControlPlane): Promise<string[]> {
  const { admin, close } = connectAsAdmin(plane);
  const { records } = await admin.queryAudit({ limit: 1000 });
  close();
  const kinds = records.map((record) => (JSON.parse(record) as { readonly event_type: string }).event_type);
  return kinds.filter((kind) => kind === 'BACKUP_RESTORED' || kind === 'BACKUP_CREATED');
}

/** Head and parts of a sealed file: five bytes of magic, two of the length of the head, the head, then 64 KiB with a tag each. */
function partsOf(sealed: Buffer): { readonly head: Buffer; readonly parts: readonly Buffer[] } {
  const length = 7 + sealed.readUInt16BE(5);
  const part = 64 * 1024 + 16;
  const count = Math.ceil((sealed.length - length) / part);
  const parts = Array.from({ length: count }, (_, index) => {
    const start = length + index * part;
    return sealed.subarray(start, start + part);
  });
  assert.ok(count > 2);
  return { head: sealed.subarray(0, length), parts };
}

async function unsealed(file: string): Promise<Buffer> {
  const reader = new OctetReader(openStream(piece(await readFile(file)), { passphrase: PASSPHRASE, context: CONTEXT }));
  return Buffer.from(await reader.take(Number.MAX_SAFE_INTEGER));
}

async function* piece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
