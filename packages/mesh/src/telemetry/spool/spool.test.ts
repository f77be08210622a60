import assert from 'node:assert/strict';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import type { ReportBatch } from '../batch.ts';
import { localProcesses } from './processes.ts';
import type { Processes } from './processes.ts';
import { SpoolDirectory } from './spool-directory.ts';
import { Spool } from './spool.ts';

let root = '';
let folders = 0;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'rampart-spool-test-'));
});
after(() => rm(root, { recursive: true }));

function folder(): string {
  return join(root, String(++folders));
}

function batch(sequence: number, bytes = 100): ReportBatch {
  return {
    reporter: 'r1',
    sequence: BigInt(sequence),
    records: new Uint8Array(bytes).fill(sequence),
    recordCount: 2,
    connectionEvents: [
      {
        at: 1_795_000_000_000n,
        kind: 'plaintext_rejected',
        reason: 'STRICT',
        remoteAddress: '127.0.0.1:5',
        localPort: 80,
        peer: '',
      },
    ],
  };
}

async function drain(spool: Spool): Promise<number[]> {
  const sequences: number[] = [];
  for (let next = await spool.next(); next !== undefined; next = await spool.next()) {
    assert.deepEqual(next, batch(Number(next.sequence), next.records.length));
    sequences.push(Number(next.sequence));
    await spool.acknowledge(next);
  }
  return sequences;
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

describe('a spool', () => {
  it('gives back batches in order, the same one until it is acknowledged', async () => {
    const spool = new Spool(folder());
    await spool.append([batch(1), batch(2)]);
    await spool.append([batch(3)]);
    assert.deepEqual(await spool.next(), batch(1));
    assert.deepEqual(await spool.next(), batch(1));
    assert.equal(spool.unsent, 9);
    assert.deepEqual(await drain(spool), [1, 2, 3]);
    assert.equal(spool.unsent, 0);
    assert.ok(spool.isEmpty);
  });

  it('leaves nothing on disk once everything is acknowledged, and can be used again', async () => {
    const spool = new Spool(folder());
    await spool.append([batch(1)]);
    assert.deepEqual(await drain(spool), [1]);
    assert.deepEqual(await readdir(spool.directory), []);
    await spool.append([batch(2)]);
    assert.deepEqual(await drain(spool), [2]);
    await spool.removeIfEmpty();
    await assert.rejects(stat(spool.directory), { code: 'ENOENT' });
    await spool.append([batch(3)]);
    assert.deepEqual(await drain(spool), [3]);
  });

  it('is private to its user', async () => {
    const spool = new Spool(folder());
    await spool.append([batch(1)]);
    const [name = ''] = await readdir(spool.directory);
    assert.equal((await stat(spool.directory)).mode & 0o777, 0o700);
    assert.equal((await stat(join(spool.directory, name))).mode & 0o777, 0o600);
  });

  it('does not send what was acknowledged from memory before it was written', async () => {
    const spool = new Spool(folder());
    await spool.acknowledge(batch(1));
    await spool.append([batch(1), batch(2)]);
    assert.equal(spool.unsent, 3);
    assert.deepEqual(await drain(spool), [2]);
  });

  it('keeps what is being written while everything before it is acknowledged', async () => {
    const spool = new Spool(folder());
    for (let sequence = 1; sequence < 20; sequence += 2) {
      await spool.append([batch(sequence)]);
      const appended = spool.append([batch(sequence + 1)]);
      await spool.acknowledge(batch(sequence));
      await appended;
      assert.deepEqual(await drain(spool), [sequence + 1]);
    }
  });

  it('deletes its oldest segment when it is full, and counts what was in it', async () => {
    const spool = new Spool(folder(), { bytes: 5_000, segmentBytes: 1_000 });
    for (const sequence of numbers(1, 12)) await spool.append([batch(sequence, 600)]);
    assert.ok(spool.bytes <= 5_000);
    const kept = await drain(spool);
    assert.deepEqual(kept, numbers(13 - kept.length, 12));
    assert.equal(spool.dropped, (12 - kept.length) * 3);
  });

  it('keeps what is appended at the end of a process, in order', async () => {
    const spool = new Spool(folder());
    await spool.append([batch(1)]);
    spool.appendSync([batch(2), batch(3)]);
    assert.deepEqual(await drain(await Spool.load(spool.directory)), [1, 2, 3]);
  });

  it('sends once what is in two of its files', async () => {
    const spool = new Spool(folder());
    await spool.append([batch(1), batch(2)]);
    spool.appendSync([batch(2), batch(3)]);
    assert.deepEqual(await drain(await Spool.load(spool.directory)), [1, 2, 3]);
  });

  it('fails to append where it may not write, and goes on when it may', async () => {
    const path = folder();
    await writeFile(path, 'in the way');
    const spool = new Spool(path);
    await assert.rejects(spool.append([batch(1)]));
    assert.ok(spool.isEmpty);
    await rm(path);
    await spool.append([batch(1)]);
    assert.deepEqual(await drain(spool), [1]);
  });

  it('goes on in a new file when its files were taken away', async () => {
    const spool = new Spool(folder());
    await spool.append([batch(1)]);
    await rm(spool.directory, { recursive: true });
    await assert.rejects(spool.append([batch(2)]));
    await spool.append([batch(2)]);
    assert.deepEqual(await drain(spool), [2]);
    assert.equal(spool.dropped, 3);
  });
});

describe('what a crash leaves', () => {
  async function written(): Promise<{ spool: Spool; file: string; bytes: Buffer }> {
    const spool = new Spool(folder());
    await spool.append([batch(1), batch(2), batch(3)]);
    const [name = ''] = await readdir(spool.directory);
    const file = join(spool.directory, name);
    return { spool, file, bytes: await readFile(file) };
  }

  it('is read up to the last frame that is whole', async () => {
    const { spool, file, bytes } = await written();
    const frame = (bytes.length - 8) / 3;
    for (let length = 0; length < bytes.length; length += 7) {
      await writeFile(file, bytes.subarray(0, length));
      const whole = Math.max(0, Math.floor((length - 8) / frame));
      assert.deepEqual(await drain(await Spool.load(spool.directory)), numbers(1, whole), `cut at ${length}`);
      await writeFile(file, bytes);
    }
  });

  it('is read up to the first frame that is damaged', async () => {
    const { spool, file, bytes } = await written();
    for (let at = 8; at < bytes.length; at += 5) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      await writeFile(file, damaged);
      const whole = Math.floor((at - 8) / ((bytes.length - 8) / 3));
      assert.deepEqual(await drain(await Spool.load(spool.directory)), numbers(1, whole), `damaged at ${at}`);
      await writeFile(file, bytes);
    }
  });

  it('is overwritten by the next append, and not read, when a write failed', async () => {
    const { spool, file, bytes } = await written();
    await writeFile(file, Buffer.concat([bytes, Buffer.from('half a frame')]));
    await spool.append([batch(4)]);
    assert.deepEqual(await drain(await Spool.load(spool.directory)), [1, 2, 3, 4]);
  });

  it('costs the damaged segment when the damage comes later', async () => {
    const spool = new Spool(folder(), { bytes: 1_000_000, segmentBytes: 1 });
    await spool.append([batch(1), batch(2)]);
    await spool.append([batch(3)]);
    const [name = ''] = await readdir(spool.directory);
    const bytes = await readFile(join(spool.directory, name));
    bytes[bytes.length - 1] = 0xff;
    await writeFile(join(spool.directory, name), bytes);
    assert.deepEqual(await drain(spool), [1, 3]);
    assert.equal(spool.dropped, 3);
  });

  it(
    'is ignored when another user wrote it',
    { skip: process.getuid?.() !== 0 && 'only root can give files away' },
    async () => {
      const { spool, file } = await written();
      await chown(file, 12_345, 12_345);
      assert.ok((await Spool.load(spool.directory)).isEmpty);
    },
  );

  it('is ignored when it is a link', async () => {
    const { spool, file } = await written();
    const other = folder();
    await mkdir(other);
    await symlink(file, join(other, '00000001.spool'));
    await assert.rejects(Spool.load(other), { code: 'ELOOP' });
    assert.deepEqual(await drain(spool), [1, 2, 3]);
  });

  it('is ignored when it is not a spool', async () => {
    const path = folder();
    await mkdir(path);
    await writeFile(join(path, '00000001.spool'), 'something else');
    await writeFile(join(path, 'notes.txt'), 'something else');
    assert.ok((await Spool.load(path)).isEmpty);
  });
});

/** Process names that end with "-dead" are. */
function processes(self: string): Processes {
  return { self, isAlive: (name) => !name.endsWith('-dead') };
}

describe('a spool directory', () => {
  it('hands the spools of dead processes to the next one', async () => {
    const path = folder();
    await new SpoolDirectory([path], processes('7-dead')).create('first').append([batch(1)]);
    await new SpoolDirectory([path], processes('8-1')).create('alive').append([batch(2)]);
    const adopted = await new SpoolDirectory([path], processes('9-1')).adopt();
    assert.equal(adopted.length, 1);
    assert.deepEqual((await readdir(path)).toSorted(), ['alive@8-1', 'first@9-1']);
    for (const spool of adopted) {
      assert.deepEqual(await drain(spool), [1]);
      await spool.removeIfEmpty();
    }
    assert.deepEqual(await readdir(path), ['alive@8-1']);
  });

  it('takes over what lies in a place that was written to before', async () => {
    const [before, now] = [folder(), folder()];
    await new SpoolDirectory([before], processes('7-dead')).create('first').append([batch(1)]);
    const [adopted] = await new SpoolDirectory([now, before], processes('9-1')).adopt();
    assert.ok(adopted);
    assert.deepEqual(await readdir(now), ['first@9-1']);
    assert.deepEqual(await drain(adopted), [1]);
  });

  it('gives each spool to one of several processes that start together', async () => {
    const path = folder();
    for (let i = 0; i < 5; i++) {
      await new SpoolDirectory([path], processes(`${i}-dead`)).create(`r${i}`).append([batch(i + 1)]);
    }
    const adopted = await Promise.all(
      numbers(1, 8).map((i) => new SpoolDirectory([path], processes(`${i}0-1`)).adopt()),
    );
    assert.equal(adopted.flat().length, 5);
    const sequences = await Promise.all(adopted.flat().map(drain));
    assert.deepEqual(
      sequences.flat().toSorted((a, b) => a - b),
      [1, 2, 3, 4, 5],
    );
  });

  it('removes what dead processes left empty, and leaves alone what is not its own', async () => {
    const path = folder();
    await mkdir(join(path, 'r@1-dead'), { recursive: true });
    await mkdir(join(path, 'something'));
    assert.deepEqual(await new SpoolDirectory([path], processes('2-1')).adopt(), []);
    assert.deepEqual(await readdir(path), ['something']);
  });

  it('adopts no more than one spool may hold, the newest', async () => {
    const path = folder();
    const limits = { bytes: 2_500, segmentBytes: 1_000 };
    for (let i = 1; i <= 4; i++) {
      await new SpoolDirectory([path], processes(`${i}-dead`)).create(`r${i}`).append([batch(i, 800)]);
    }
    const adopted = await new SpoolDirectory([path], processes('9-1'), limits).adopt();
    const sequences = await Promise.all(adopted.map(drain));
    assert.deepEqual(sequences.flat(), [3, 4]);
    assert.equal(
      adopted.reduce((sum, spool) => sum + spool.dropped, 0),
      6,
    );
  });

  it('is no obstacle when it does not exist or cannot be read', async () => {
    const path = folder();
    assert.deepEqual(await new SpoolDirectory([path], processes('1-1')).adopt(), []);
    await mkdir(path, { mode: 0o000 });
    assert.deepEqual(await new SpoolDirectory([path], processes('1-1')).adopt(), []);
    await chmod(path, 0o700);
  });
});

describe('processes', () => {
  const local = localProcesses(process);

  it('knows itself to be alive', () => {
    assert.ok(local.isAlive(local.self));
  });

  it(
    'knows that a process with a used id is another one',
    { skip: process.platform !== 'linux' && 'needs /proc' },
    () => {
      assert.ok(!local.isAlive(`${process.pid}-1`));
      assert.ok(!local.isAlive('1-99999999999999'));
    },
  );

  it('knows that a process without an id is not alive', () => {
    assert.ok(!local.isAlive('4194999-5'));
    assert.ok(!local.isAlive('nonsense'));
    assert.ok(!local.isAlive('0-5'));
  });
});
