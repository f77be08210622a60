import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMemoryJournalStore, Journal } from '@rampart/journal';
import { createMemoryAuthorityStore } from '../memory-store.ts';
import { Revocations } from '../revocations.ts';
import type { RevocationAct } from './act.ts';
import { createMemoryRevocationEpoch, createMemoryRevocationStore } from './memory-store.ts';
import { restoreRevocations } from './restoration.ts';
import type { RevocationEpoch, RevocationStore } from './store.ts';

const DAY = 24 * 3600 * 1000;
const T0 = Date.UTC(2026, 0, 20);
const SHUT_OUT = 'spiffe://cluster.local/ns/prod/sa/web';

function serialAct(index: number, notAfter: number): RevocationAct {
  const common = { id: `act-${index}`, at: T0, by: 'ann', reason: 'superseded', note: '' } as const;
  const facts = { kind: 'workload', spiffeId: SHUT_OUT, issuer: 'CA', notAfter } as const;
  return { ...common, kind: 'certificates', certificates: [{ ...facts, serial: `a${index}` }] };
}

const BAR: RevocationAct = {
  kind: 'identity',
  id: 'bar',
  at: T0,
  by: 'ann',
  reason: 'keyCompromise',
  note: '',
  trustDomain: 'cluster.local',
  spiffeId: SHUT_OUT,
  issuedUntil: T0,
  notBeforeUntil: T0,
  certificates: [],
  bar: true,
};

interface World {
  readonly acts: RevocationStore;
  readonly epoch: RevocationEpoch;
  readonly journal: Journal;
  open(forgottenBefore: number): Promise<{ readonly inForce: Revocations; readonly entries: number }>;
}

/** Both hold a bar, and one serial that is over for each of `ended`. */
async function world(ended: number): Promise<World> {
  const acts = createMemoryRevocationStore();
  const epoch = createMemoryRevocationEpoch();
  const own = [
    ...Array.from({ length: ended }, (_, index) => serialAct(index, T0 + DAY)),
    BAR,
    serialAct(999, T0 + 99 * DAY),
  ];
  for (const act of own) {
    await acts.addAct(act);
    await epoch.append(act);
  }
  const journal = await Journal.open(createMemoryJournalStore(), {
    now: () => T0,
    after: () => ({ cancel: () => {} }),
  });
  return {
    acts,
    epoch,
    journal,
    open: async (forgottenBefore) => {
      const inForce = new Revocations(forgottenBefore, []);
      const store = createMemoryAuthorityStore();
      await restoreRevocations({ store, acts, epoch, journal, forgottenBefore }, inForce);
      return { inForce, entries: journal.head.size };
    },
  };
}

describe('a revocation whose process died', () => {
  const RULE = { event_type: 'IDENTITY_REVOKED', spiffe_id: SHUT_OUT, issued_until: T0, requested_by: 'ann' };

  it('before it was in force is taken back in the ledger, once', async () => {
    const { open, journal } = await world(0);
    await journal.append('ledger', { ...RULE, revocation: 'unfinished' });
    await open(0);
    await open(0);
    const ledger = await journal.read({ stream: 'ledger', limit: 10, order: 'oldest-first' });
    const told = ledger.map(({ kind, body }) => [kind, (JSON.parse(body) as { revocation: string }).revocation]);
    assert.deepEqual(told.slice(1), [['REVOCATION_FAILED', 'unfinished']]);
    assert.equal((await journal.read({ kind: 'REVOCATION_FAILED', limit: 9, order: 'oldest-first' })).length, 2);
  });

  it('after that stands', async () => {
    const { open, journal } = await world(0);
    await journal.append('ledger', { ...RULE, event_type: 'IDENTITY_BARRED', revocation: 'bar' });
    assert.equal((await open(0)).entries, 1);
  });
});

describe('what is over', () => {
  it('is dropped from database and epoch once it is the greater part, and bars never are', async () => {
    const { acts, epoch, open } = await world(200);
    await open(T0 + DAY);
    assert.equal(epoch.acts.length, 202);
    const { inForce, entries } = await open(T0 + 2 * DAY);
    assert.deepEqual([inForce.barred(), inForce.serials(), entries], [[SHUT_OUT], ['a999'], 0]);
    const left = ['bar', 'act-999'];
    assert.deepEqual([epoch.acts.map(({ id }) => id), (await acts.acts()).map(({ id }) => id)], [left, left]);
    assert.equal(epoch.forgottenBefore, T0 + 2 * DAY);
  });

  it('stays while it is little', async () => {
    const { epoch, open } = await world(20);
    await open(T0 + 2 * DAY);
    assert.equal(epoch.acts.length, 22);
  });

  it('is not missed by an old copy of the database that knows it, with a clock mark as old', async () => {
    const { acts, open } = await world(200);
    await open(T0 + 2 * DAY);
    await acts.addAct(serialAct(7, T0 + DAY));
    assert.deepEqual((await open(0)).inForce.barred(), [SHUT_OUT]);
    await acts.addAct(serialAct(1000, T0 + 3 * DAY));
    await assert.rejects(open(0), { code: 'DATA_DIRECTORY_UNREADABLE', message: /lacks 1 revocations/ });
  });

  it('is not put on record again by a database that has dropped it before the epoch could', async () => {
    const { acts, open } = await world(20);
    await acts.forget(['act-1', 'act-2']);
    assert.equal((await open(T0 + 2 * DAY)).entries, 0);
    await acts.forget(['act-999']);
    assert.equal((await open(T0 + 2 * DAY)).entries, 2);
  });
});
