import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { CompiledQuery } from 'kysely';
import { SqliteConnection } from './connection.ts';

it('rows have the columns that their table has by now', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'rampart-connection-'));
  const connection = new SqliteConnection(join(directory, 'rampart.db'));
  const rowsOf = async (sql: string): Promise<readonly unknown[]> =>
    (await connection.executeQuery(CompiledQuery.raw(sql))).rows;
  await rowsOf('CREATE TABLE numbers (number INTEGER)');
  await rowsOf('INSERT INTO numbers VALUES (7)');
  assert.deepEqual(await rowsOf('SELECT * FROM numbers'), [{ number: 7 }]);
  await rowsOf('ALTER TABLE numbers RENAME COLUMN number TO amount');
  assert.deepEqual(await rowsOf('SELECT * FROM numbers'), [{ amount: 7 }]);
  const streamed: unknown[] = [];
  for await (const { rows } of connection.streamQuery(CompiledQuery.raw('SELECT * FROM numbers')))
    streamed.push(...rows);
  assert.deepEqual(streamed, [{ amount: 7 }]);
  connection.close();
  await rm(directory, { recursive: true });
});
