import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { lockDirectory } from './directory-lock.ts';

describe('the lock of a data directory', () => {
  let directory = '';

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rampart-lock-'));
  });

  afterEach(() => rm(directory, { recursive: true }));

  it('is held by one, who is named to the next, and free after release', async () => {
    const lock = await lockDirectory(directory);
    await assert.rejects(lockDirectory(directory), {
      code: 'DATA_DIRECTORY_LOCKED',
      message: new RegExp(`process ${process.pid}\\b`),
    });
    await lock.release();
    assert.deepEqual(await readdir(directory), []);
    await (await lockDirectory(directory)).release();
  });

  it('is taken over from a process that was killed', async () => {
    const child = spawn(process.execPath, [
      '--input-type=module',
      '-e',
      `const { lockDirectory } = await import(${JSON.stringify(new URL('./directory-lock.ts', import.meta.url).href)});
       await lockDirectory(${JSON.stringify(directory)});
       console.log('locked');
       setInterval(() => {}, 1000);`,
    ]);
    await once(child.stdout, 'data');
    await assert.rejects(lockDirectory(directory), {
      code: 'DATA_DIRECTORY_LOCKED',
      message: new RegExp(`process ${child.pid}\\b`),
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (await lockDirectory(directory)).release();
  });

  it('is taken over when its process id was given to another process', async () => {
    await writeFile(join(directory, 'lock'), JSON.stringify({ pid: process.pid, started: 'another boot 1' }));
    await (await lockDirectory(directory)).release();
  });

  for (const text of ['', 'nonsense', '{"pid":-1,"started":""}', '{"pid":"x","started":""}']) {
    it(`is taken over when it reads ${JSON.stringify(text)}`, async () => {
      await writeFile(join(directory, 'lock'), text);
      await (await lockDirectory(directory)).release();
    });
  }

  it('is taken over by one of many', async () => {
    await writeFile(join(directory, 'lock'), JSON.stringify({ pid: 2 ** 30, started: '' }));
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => lockDirectory(directory)));
    assert.equal(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 1);
    assert.equal(JSON.parse(await readFile(join(directory, 'lock'), 'utf8')).pid, process.pid);
  });
});
