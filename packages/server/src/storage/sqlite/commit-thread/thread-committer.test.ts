import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { CompiledQuery } from 'kysely';
import type { Statement } from '../../statement.ts';
import { ThreadCommitter } from './thread-committer.ts';

function statement(sql: string): Statement {
  return { query: CompiledQuery.raw(sql), parameters: [] };
}

describe('the thread that commits', () => {
  it("is replaced when it dies, and what it was given is nobody's success", async () => {
    const directory = await mkdtemp(join(tmpdir(), 'rampart-committer-'));
    const file = join(directory, 'later', 'rampart.db');
    const committer = new ThreadCommitter(file);
    const writes = [[statement('CREATE TABLE numbers (number INTEGER)'), statement('INSERT INTO numbers VALUES (7)')]];
    await assert.rejects(committer.commit(writes), { code: 'STORAGE_FAILED' });
    await mkdir(join(directory, 'later'));
    assert.deepEqual(await committer.commit(writes), ['done']);
    await committer.close();
    const database = new DatabaseSync(file);
    assert.equal(database.prepare('SELECT number FROM numbers').get()?.['number'], 7);
    database.close();
    await rm(directory, { recursive: true });
  });
});
