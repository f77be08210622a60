import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RampartError } from '@rampart/core';
import type { Clock } from '@rampart/core';
import { auditRecord } from './audit.ts';
import { Journal } from './journal.ts';
import { createMemoryJournalStore } from './memory-store.ts';
import type { JournalBatch, JournalStore } from './store.ts';
import { verifyJournal } from './verification.ts';

const clock: Clock = { now: () => Date.UTC(2026, 0, 20, 10, 30), after: () => ({ cancel: () => {} }) };

describe('the journal', () => {
  it('numbers entries over both streams without a gap', async () => {
    const journal = await Journal.open(createMemoryJournalStore(), clock);
    const entries = await Promise.all([
      journal.append('audit', { event_type: 'A' }),
      journal.append('ledger', { event_type: 'B' }),
      journal.append('audit', { event_type: 'C' }),
    ]);
    assert.deepEqual(
      entries.map(({ sequence, stream, kind }) => [sequence, stream, kind]),
      [
        [1, 'audit', 'A'],
        [2, 'ledger', 'B'],
        [3, 'audit', 'C'],
      ],
    );
    assert.equal(
      entries[1].body,
      '{"event_type":"B","registry_node":"rampart","sequence":2,"timestamp":"2026-01-20T10:30:00.000Z"}',
    );
  });

  it('appends of one turn reach the store in one call', async () => {
    const { store, batches } = recording();
    const journal = await Journal.open(store, clock);
    await Promise.all(Array.from({ length: 50 }, () => journal.append('audit', { event_type: 'A' })));
    await journal.append('audit', { event_type: 'B' });
    assert.deepEqual(
      batches.map(({ entries }) => entries.length),
      [50, 1],
    );
  });

  it('a change of many things is on record with all of them in one call, and others have their turn meanwhile', async () => {
    const { store, batches } = recording();
    const journal = await Journal.open(store, clock);
    let isChanging = false;
    const told: string[] = [];
    const others = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const append = (async () => {
      await others();
      await journal.append('audit', { event_type: 'B' });
      told.push('B');
    })();
    const outcome = await journal.auditChange({
      events: Array.from({ length: 5 }, () => () => ({
        eventType: 'A',
        identity: '',
        sourceIp: '',
        result: 'SUCCESS',
      })),
      pause: () => {
        assert.equal(isChanging, false);
        return others();
      },
      change: () => {
        isChanging = true;
        // The store is called in this turn, by both.
        assert.equal(batches.length, 1);
        return Promise.resolve('changed');
      },
    });
    await append;
    assert.equal(outcome, 'changed');
    assert.deepEqual(
      batches.map(({ entries }) => entries.map(({ kind }) => kind).join('')),
      ['ABAAAA'],
    );
    assert.deepEqual(told, ['B']);
    await journal.append('audit', { event_type: 'C' });
    assert.equal(batches.length, 2);
  });

  it('an append resolves only after the store has acknowledged it', async () => {
    const { store, gate } = gated();
    const journal = await Journal.open(store, clock);
    let resolved = false;
    const appended = journal.append('audit', { event_type: 'A' }).then(() => (resolved = true));
    await gate.reached;
    assert.equal(resolved, false);
    assert.equal(journal.head.size, 0);
    gate.release();
    await appended;
    assert.equal(journal.head.size, 1);
  });

  it('goes on where an earlier process ended', async () => {
    const store = createMemoryJournalStore();
    const first = await Journal.open(store, clock);
    for (const event_type of ['A', 'B', 'C']) await first.append('audit', { event_type });
    const second = await Journal.open(store, clock);
    assert.deepEqual(second.head, first.head);
    assert.equal((await second.append('audit', { event_type: 'D' })).sequence, 4);
    assert.deepEqual(await verifyJournal(store), { ok: true, value: second.head });
  });

  it('a record that JSON cannot say takes no sequence', async () => {
    const journal = await Journal.open(createMemoryJournalStore(), clock);
    await assert.rejects(journal.append('audit', { event_type: 'A', n: Number.NaN }), { code: 'INVALID_ARGUMENT' });
    assert.equal((await journal.append('audit', { event_type: 'B' })).sequence, 1);
  });

  it('settle waits for everything that is on its way', async () => {
    const store = createMemoryJournalStore();
    const journal = await Journal.open(store, clock);
    const appended = journal.append('audit', { event_type: 'A' });
    await journal.settle();
    assert.equal((await store.tree()).size, 1);
    await appended;
  });
});

describe('a store that fails', () => {
  it('keeps a change from being made whose record is lost', async () => {
    const inner = createMemoryJournalStore();
    const full = Promise.withResolvers<void>();
    let tries = 0;
    const append = (batch: JournalBatch): Promise<void> => (tries++ === 0 ? full.promise : inner.append(batch));
    const journal = await Journal.open({ ...inner, append }, clock);
    const others = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const refused = assert.rejects(journal.append('audit', { event_type: 'A' }), { code: 'STORAGE_FAILED' });
    await others();
    const change = journal.auditChange({
      events: Array.from({ length: 5 }, () => () => ({
        eventType: 'B',
        identity: '',
        sourceIp: '',
        result: 'SUCCESS',
      })),
      pause: () => {
        full.reject(new RampartError('STORAGE_FAILED', 'disk full'));
        return others();
      },
      change: () => assert.fail('it was made'),
    });
    await assert.rejects(change, { code: 'STORAGE_FAILED' });
    await refused;
    await journal.append('audit', { event_type: 'C' });
    assert.equal((await verifyJournal({ ...inner, append })).ok, true);
  });

  it('rejects what was on its way, and the journal goes on without a gap', async () => {
    const { store, failNext } = failing();
    const journal = await Journal.open(store, clock);
    await journal.append('audit', { event_type: 'kept' });
    failNext();
    const lost = await Promise.allSettled([
      journal.append('audit', { event_type: 'lost' }),
      journal.append('audit', { event_type: 'lost too' }),
    ]);
    assert.deepEqual(
      lost.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    assert.equal((await journal.append('audit', { event_type: 'kept' })).sequence, 2);
    assert.deepEqual(await verifyJournal(store), { ok: true, value: journal.head });
  });

  it('takes the batches queued behind the failed one with it', async () => {
    const { store, failNext } = failing();
    const journal = await Journal.open(store, clock);
    failNext();
    const first = journal.append('audit', { event_type: 'lost' });
    await Promise.resolve();
    const second = journal.append('audit', { event_type: 'lost too' });
    const outcomes = await Promise.allSettled([first, second]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    assert.equal((await journal.append('audit', { event_type: 'kept' })).sequence, 1);
  });

  it('that still fails when asked what it holds makes the next append fail too, until it answers', async () => {
    const { store, failNext, failTree } = failing();
    const journal = await Journal.open(store, clock);
    failNext();
    failTree();
    await assert.rejects(journal.append('audit', { event_type: 'lost' }));
    await assert.rejects(journal.append('audit', { event_type: 'lost' }), { code: 'STORAGE_FAILED' });
    await assert.rejects(journal.append('audit', { event_type: 'finds the gap' }), { code: 'STORAGE_FAILED' });
    assert.equal((await journal.append('audit', { event_type: 'kept' })).sequence, 1);
  });
});

describe('the audit record', () => {
  it('has the published fields in the published order, and the hash covers them', async () => {
    const store = createMemoryJournalStore();
    const journal = await Journal.open(store, clock, { node: 'registry-1' });
    const entry = await journal.audit({
      eventType: 'REGISTRATION',
      serviceName: 'payment-service',
      instanceId: 'payment-1',
      identity: 'spiffe://cluster/ns/prod/sa/payment',
      sourceIp: '10.0.1.50',
      result: 'SUCCESS',
      details: { host: '10.0.1.1', port: 8080, metadata: { version: '2.1.0' } },
    });
    assert.equal(
      JSON.stringify(auditRecord(entry)),
      JSON.stringify({
        timestamp: '2026-01-20T10:30:00.000Z',
        event_type: 'REGISTRATION',
        service_name: 'payment-service',
        instance_id: 'payment-1',
        identity: 'spiffe://cluster/ns/prod/sa/payment',
        source_ip: '10.0.1.50',
        result: 'SUCCESS',
        details: { host: '10.0.1.1', metadata: { version: '2.1.0' }, port: 8080 },
        registry_node: 'registry-1',
        sequence: 1,
        correlation_id: '',
        leaf_hash: entry.leafHash,
      }),
    );
  });

  it('is not read from the ledger', async () => {
    const journal = await Journal.open(createMemoryJournalStore(), clock);
    const entry = await journal.append('ledger', { event_type: 'CERTIFICATE' });
    assert.throws(() => auditRecord(entry), { code: 'INVALID_ARGUMENT' });
  });
});

describe('verification', () => {
  const damages: readonly { rule: string; damage: (batch: JournalBatch) => JournalBatch; sequence: number }[] = [
    {
      rule: 'finds a changed body',
      damage: (batch) => ({
        ...batch,
        entries: batch.entries.map((entry) => (entry.sequence === 2 ? { ...entry, body: '{}' } : entry)),
      }),
      sequence: 2,
    },
    {
      rule: 'finds an entry that was replaced together with its hash',
      damage: (batch) => ({
        ...batch,
        entries: batch.entries.map((entry, index, all) => ({ ...entry, ...pick(all[index === 1 ? 0 : index]) })),
      }),
      sequence: 3,
    },
  ];
  for (const { rule, damage, sequence } of damages) {
    it(rule, async () => {
      const inner = createMemoryJournalStore();
      const journal = await Journal.open({ ...inner, append: (batch) => inner.append(damage(batch)) }, clock);
      await Promise.all(['A', 'B', 'C'].map((event_type) => journal.append('audit', { event_type })));
      const verified = await verifyJournal(inner);
      assert.equal(verified.ok, false);
      assert.equal(verified.problem.sequence, sequence);
    });
  }

  it('finds a missing entry', async () => {
    const store = createMemoryJournalStore();
    const journal = await Journal.open(store, clock);
    for (const event_type of ['A', 'B', 'C']) await journal.append('audit', { event_type });
    const holed: JournalStore = {
      ...store,
      read: async (query) => (await store.read(query)).filter(({ sequence }) => sequence !== 2),
    };
    assert.deepEqual(await verifyJournal(holed), {
      ok: false,
      problem: { sequence: 2, message: 'entry 2 is missing' },
    });
  });
});

function pick(entry: JournalBatch['entries'][number] | undefined): { body?: string; leafHash?: string } {
  return entry === undefined ? {} : { body: entry.body, leafHash: entry.leafHash };
}

function recording(): { store: JournalStore; batches: JournalBatch[] } {
  const inner = createMemoryJournalStore();
  const batches: JournalBatch[] = [];
  const append = (batch: JournalBatch): Promise<void> => {
    batches.push(batch);
    return inner.append(batch);
  };
  return { store: { ...inner, append }, batches };
}

function gated(): { store: JournalStore; gate: { reached: Promise<void>; release: () => void } } {
  const inner = createMemoryJournalStore();
  const reached = Promise.withResolvers<void>();
  const open = Promise.withResolvers<void>();
  const append = async (batch: JournalBatch): Promise<void> => {
    reached.resolve();
    await open.promise;
    return inner.append(batch);
  };
  return { store: { ...inner, append }, gate: { reached: reached.promise, release: open.resolve } };
}

function failing(): { store: JournalStore; failNext: () => void; failTree: () => void } {
  const inner = createMemoryJournalStore();
  const fails = { append: 0, tree: 0 };
  const unless = async <T>(what: keyof typeof fails, action: () => Promise<T>): Promise<T> => {
    if (fails[what] === 0) return action();
    fails[what] -= 1;
    throw new RampartError('STORAGE_FAILED', 'disk full');
  };
  const store: JournalStore = {
    ...inner,
    append: (batch) => unless('append', () => inner.append(batch)),
    tree: () => unless('tree', () => inner.tree()),
  };
  return { store, failNext: () => (fails.append += 1), failTree: () => (fails.tree += 1) };
}
