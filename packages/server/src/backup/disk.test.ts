import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, readdir, readlink, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { PASSPHRASE, TestBackups } from '../testing/test-backups.ts';
import { until } from '../testing/test-plane.ts';
import { verifyBackup } from './verify.ts';

const CANNOT_MOUNT =
  spawnSync('unshare', ['-Urm', 'true']).status === 0 ? false : 'this host lets nobody make mount namespaces';

describe('a backup and the disk: one', () => {
  const backups = new TestBackups();
  const { planes } = backups;
  let root: string;
  let file: string;
  let target: string;

  beforeEach(async () => {
    await backups.open();
    ({ root, file, target } = backups);
  });
  afterEach(() => backups.close());

  it('goes where a link to an empty directory leads', async () => {
    await backups.backUp(await planes.start());
    const [real, link] = [join(root, 'real'), join(root, 'link')];
    await mkdir(real);
    await symlink(real, link);
    await backups.restore({ directory: link });
    await access(join(real, 'rampart.db'));
    assert.equal(await readlink(link), real);
  });

  it('does not go where a disk is mounted', { skip: CANNOT_MOUNT }, async () => {
    await backups.backUp(await planes.start());
    await mkdir(target);
    const script = 'mount -t tmpfs tmpfs "$1" && shift && exec "$@"';
    const words = [target, process.execPath, '--input-type=module', '-e', SAYING, 'restore', file, target, PASSPHRASE];
    const child = spawn('unshare', ['-Urm', 'sh', '-c', script, 'sh', ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    assert.match(await text(child.stdout), /^INVALID_ARGUMENT a disk is mounted at .*: name a new directory in it/);
    assert.deepEqual(await readdir(root), ['data', 'one.rampart', 'restored']);
  });

  it('for which there is no room is refused with words, and leaves nothing', async () => {
    await backups.backUp(await planes.start());
    await planes.latest.stop();
    for (const work of ['restore', 'verify'] as const) {
      const child = spawn(
        'bash',
        [
          '-c',
          'ulimit -f 64; exec "$0" "$@"',
          process.execPath,
          '--input-type=module',
          '-e',
          SAYING,
          work,
          file,
          target,
          PASSPHRASE,
        ],
        { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_COMPILE_CACHE: '', TMPDIR: root } },
      );
      assert.match(await text(child.stdout), /^STORAGE_FAILED .* cannot be written or read: EFBIG/, work);
    }
    await backups.nothingWritten();
    assert.deepEqual(
      (await readdir(root)).filter((name) => name.startsWith('rampart-verify')),
      [],
    );
  });

  it('whose making is killed is not there, and another one can be made', async () => {
    await planes.start();
    await planes.latest.stop();
    const child = spawn(
      process.execPath,
      ['--input-type=module', '-e', MAKING, planes.dataDirectory, file, PASSPHRASE],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
    const drafts = async (): Promise<string[]> => (await readdir(root)).filter((name) => name.endsWith('.new'));
    await until('its draft', async () => (await drafts()).length > 0, 20_000);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await assert.rejects(access(file));
    const plane = await planes.start();
    await backups.backUp(plane);
    await verifyBackup({ file, passphrase: PASSPHRASE, key: undefined });
    assert.ok(!(await readdir(plane.dataDirectory)).includes('backup.tmp'));
  });

  it('whose restoring is killed leaves no data directory, and can be restored then', async () => {
    await backups.backUp(await planes.start());
    await planes.latest.stop();
    const child = spawn(process.execPath, ['--input-type=module', '-e', RESTORING, file, target, PASSPHRASE], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await until(
      'its beginning',
      async () => (await readdir(`${target}.restoring`).catch((): string[] => [])).includes('keys'),
      20_000,
    );
    child.kill('SIGKILL');
    await once(child, 'exit');
    await assert.rejects(access(target));
    await backups.restore();
    await planes.start({ dataDirectory: target });
    assert.ok(!(await readdir(root)).includes('restored.restoring'));
  });
});

/** Takes its time over the passphrase, with its draft begun. */
const MAKING = `
const [, directory, out, passphrase] = process.argv;
const { createBackup } = await import(${JSON.stringify(new URL('create.ts', import.meta.url).href)});
const cost = { N: 2 ** 17, r: 8, p: 64 };
await createBackup({ directory, out, passphrase, keys: {}, cost, clock: Date, record: () => Promise.resolve() });
`;

/** Says how it ended. */
const SAYING = `
const [, work, file, directory, passphrase] = process.argv;
const { restoreBackup } = await import(${JSON.stringify(new URL('restore.ts', import.meta.url).href)});
const { verifyBackup } = await import(${JSON.stringify(new URL('verify.ts', import.meta.url).href)});
const reading = { file, passphrase, key: undefined };
const wanted = { ...reading, directory, keys: {}, keepApiTokens: false, clock: Date };
await (work === 'verify' ? verifyBackup(reading) : restoreBackup(wanted)).then(
  () => console.log('done'),
  ({ code, message }) => console.log(code, message),
);
`;

/** Waits before it would be done, so that it is killed in the middle. */
const RESTORING = `
const [, file, directory, passphrase] = process.argv;
const { restoreBackup } = await import(${JSON.stringify(new URL('restore.ts', import.meta.url).href)});
const clock = { now: () => { for (;;); }, after: () => ({ cancel() {} }) };
await restoreBackup({ file, passphrase, key: undefined, directory, keys: {}, keepApiTokens: false, clock });
`;
