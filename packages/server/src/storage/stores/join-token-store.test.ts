import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Authority, openAuthority } from '@rampart/authority';
import { TrustDomain } from '@rampart/core';
import { Journal } from '@rampart/journal';
import { MemoryKeyStore } from '@rampart/keyring';
import { createCsr, generateKeyPair } from '@rampart/spiffe';
import { createSystemClock } from '../../clock.ts';
import { type Database, openDatabase } from '../database.ts';
import { sqliteEngine } from '../sqlite/engine.ts';
import { createAuthorityStore } from './authority-store.ts';
import { createJournalStore } from './journal-store.ts';

const WORKLOAD = { namespace: 'default', serviceAccount: 'orders', service: 'orders', labels: {} };

describe('a join token in the database', () => {
  let directory = '';
  let database: Database;
  let authority: Authority;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rampart-join-token-'));
    database = await openDatabase(sqliteEngine(join(directory, 'rampart.db')));
    const clock = createSystemClock();
    authority = await openAuthority({
      trustDomain: TrustDomain.of('cluster.local'),
      keys: new MemoryKeyStore(),
      journal: await Journal.open(createJournalStore(database), clock),
      clock,
      store: createAuthorityStore(database),
    });
  });
  after(async () => {
    await database.close();
    await rm(directory, { recursive: true });
  });

  const attest = (token: string): ReturnType<Authority['attest']> =>
    authority.attest(token, createCsr(generateKeyPair()), '10.0.0.1');

  it('is used in the one commit in which its certificate is recorded', async () => {
    const { token } = await authority.createJoinToken(WORKLOAD);
    const earlier = database.writer.commits;
    assert.equal((await attest(token)).ok, true);
    assert.equal(database.writer.commits - earlier, 1);
    assert.equal((await attest(token)).ok, false);
  });

  it('is used by one of those who come at the same time, and the others are told so', async () => {
    const { token } = await authority.createJoinToken(WORKLOAD);
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => attest(token)));
    assert.equal(outcomes.filter(({ ok }) => ok).length, 1);
    for (const outcome of outcomes) assert.equal(outcome.ok ? 'used' : outcome.problem.detail, 'used');
  });
});
