import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import { retentionDays } from '@rampart/core';
import { Checkpoints } from '../checkpoints/checkpoints.ts';
import { createMemoryCheckpointStore } from '../checkpoints/memory-store.ts';
import { Journal } from '../journal.ts';
import { createMemoryJournalStore } from '../memory-store.ts';
import { verifyInclusion } from '../proofs/verification.ts';
import type { JournalEntry, JournalStore } from '../store.ts';
import { verifyJournal } from '../verification.ts';
import { settledFor } from './record-time.ts';
import { Retention } from './retention.ts';
import { EXPIRY_KIND, expiryText, signatureIn } from './statement.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 1);

class Record {
  now = START;
  days: ReadonlyMap<string, number> = retentionDays();
  readonly store: JournalStore = createMemoryJournalStore();
  readonly moments = createMemoryCheckpointStore();
  readonly #signer = signer();
  #parts: Promise<{ journal: Journal; checkpoints: Checkpoints }> | undefined;

  /** As a control plane does: an issuance and a checkpoint each day, and records of all sorts. */
  async live(days: number): Promise<void> {
    const { journal, checkpoints } = await this.parts();
    for (let day = 0; day < days; day += 1) {
      this.now += DAY;
      const audit = (eventType: string): Promise<JournalEntry> => journal.audit({ eventType, result: 'SUCCESS' });
      await Promise.all([
        audit('DISCOVERY_QUERY'),
        audit('REGISTRATION'),
        audit('ACL_CHANGED'),
        audit('POLICY_APPLIED'),
        audit('DISCOVERY_QUERY'),
        journal.append('ledger', { event_type: 'CERTIFICATE_ISSUED', serial: String(this.now) }),
      ]);
      await checkpoints.sign();
    }
  }

  async sweep(): Promise<number> {
    const { journal, checkpoints } = await this.parts();
    const clock = { now: () => this.now };
    const { store, moments } = this;
    return new Retention({ journal, store, checkpoints, moments, clock, days: () => this.days }).sweep();
  }

  parts(): Promise<{ journal: Journal; checkpoints: Checkpoints }> {
    this.#parts ??= (async () => {
      const clock = { now: () => this.now, after: () => ({ cancel: () => {} }) };
      const journal = await Journal.open(this.store, clock);
      const options = { journal, store: this.moments, signer: this.#signer, origin: 'cluster.local/journal', clock };
      return { journal, checkpoints: await Checkpoints.open(options) };
    })();
    return this.#parts;
  }

  /** Numbers of records that are left, by type. */
  async left(): Promise<{ readonly [kind: string]: number }> {
    const entries = await this.store.read({ limit: 100_000, order: 'oldest-first' });
    return Object.fromEntries([...Map.groupBy(entries, ({ kind }) => kind)].map(([kind, all]) => [kind, all.length]));
  }

  /** What a reader says who sees other entries than there are. */
  async verify(change: (entry: JournalEntry) => JournalEntry | undefined = (entry) => entry): Promise<string> {
    const { checkpoints } = await this.parts();
    const read: JournalStore['read'] = async (query) =>
      (await this.store.read(query)).flatMap((entry) => change(entry) ?? []);
    const outcome = await verifyJournal({ ...this.store, read }, checkpoints.key);
    return outcome.ok ? 'sound' : outcome.problem.message;
  }
}

describe('retention', () => {
  it('lets records of each type expire after their time, and leaves everything else', async () => {
    const record = new Record();
    await record.live(100);
    assert.equal(await record.sweep(), 2 * 69 + 9);
    const { RECORDS_EXPIRED, ...left } = await record.left();
    assert.deepEqual(left, {
      DISCOVERY_QUERY: 2 * 31,
      REGISTRATION: 91,
      ACL_CHANGED: 100,
      POLICY_APPLIED: 100,
      CERTIFICATE_ISSUED: 100,
    });
    assert.equal(RECORDS_EXPIRED, 1);
    assert.equal(await record.verify(), 'sound');
    assert.equal(await record.sweep(), 0);
  });

  it('leaves hash, sequence and kind of an expired record, and what proves that it was there', async () => {
    const record = new Record();
    await record.live(40);
    await record.sweep();
    const [first] = await record.store.read({ withExpired: true, limit: 1, order: 'oldest-first' });
    assert.deepEqual([first?.sequence, first?.kind, first?.body], [1, 'DISCOVERY_QUERY', '']);
    const { journal } = await record.parts();
    assert.ok(verifyInclusion(await journal.inclusion(1), first?.leafHash ?? '', journal.head.root));
  });

  it('works in slices, each with a record of its own', async () => {
    const record = new Record();
    const { journal } = await record.parts();
    record.now += DAY;
    const flood = Array.from({ length: 1200 }, () =>
      journal.audit({ eventType: 'DISCOVERY_QUERY', result: 'SUCCESS' }),
    );
    await Promise.all(flood);
    await record.live(32);
    await record.sweep();
    assert.equal((await record.left())['RECORDS_EXPIRED'], 5);
    assert.equal(await record.verify(), 'sound');
  });

  it('goes by what is set, which spares the last thirty days', async () => {
    const record = new Record();
    record.days = retentionDays([
      { events: ['DISCOVERY_QUERY'], days: 'forever' },
      { events: ['REGISTRATION'], days: 1 },
    ]);
    await record.live(40);
    await record.sweep();
    const { DISCOVERY_QUERY, REGISTRATION } = await record.left();
    assert.deepEqual([DISCOVERY_QUERY, REGISTRATION], [80, 31]);
  });

  it('spares the record from a clock that jumps ahead, and goes on as before when it is set right', async () => {
    const record = new Record();
    await record.live(25);
    record.now += 3650 * DAY;
    assert.equal(await record.sweep(), 4);
    await record.live(1);
    assert.equal(await record.sweep(), 0);
    record.now -= 3651 * DAY;
    await record.live(20);
    await record.sweep();
    const early = (await record.store.read({ withExpired: true, limit: 1000, order: 'oldest-first' })).filter(
      ({ body, at }) => body === '' && at > record.now - 23 * DAY,
    );
    assert.deepEqual(early, []);
    assert.equal(await record.verify(), 'sound');
  });

  it('leaves what was changed, to be found', async () => {
    const record = new Record();
    await record.live(40);
    const read: JournalStore['read'] = async (query) =>
      (await record.store.read(query)).map((entry) =>
        entry.sequence === 1 ? { ...entry, body: entry.body.replace('SUCCESS', 'DENIED') } : entry,
      );
    const { journal, checkpoints } = await record.parts();
    const { store, moments, days } = record;
    const clock = { now: () => record.now };
    const parts = { store, checkpoints, moments, clock, days: () => days };
    const due = 2 * 9;
    assert.equal(
      await new Retention({ ...parts, journal: { read, audit: journal.audit.bind(journal) } }).sweep(),
      due - 1,
    );
  });

  it('lets nothing expire because nothing was recorded for long', async () => {
    const record = new Record();
    await record.live(10);
    record.now += 400 * DAY;
    assert.equal(await record.sweep(), 0);
  });
});

describe('a journal with expired records', () => {
  const forgeries: readonly (readonly [
    rule: string,
    change: (entry: JournalEntry) => JournalEntry | undefined,
    said: RegExp,
  ])[] = [
    [
      'a body that is missing without a word',
      (entry) => (entry.kind === 'POLICY_APPLIED' ? { ...entry, body: '' } : entry),
      /^entry 4 \(POLICY_APPLIED\) has lost its body, and no record says that it expired$/,
    ],
    [
      'a record that is too young',
      (entry) => (entry.kind === 'DISCOVERY_QUERY' ? { ...entry, body: '' } : entry),
      /^entry \d+ \(DISCOVERY_QUERY\) has lost its body, and no record says that it expired$/,
    ],
    [
      'another kind in the place of one that expired',
      (entry) => (entry.sequence === 1 ? { ...entry, kind: 'REGISTRATION' } : entry),
      /^entry 1 \(REGISTRATION\) has lost its body: entry \d+ lets it expire as DISCOVERY_QUERY$/,
    ],
    [
      'another hash in the place of one that expired',
      (entry) => (entry.sequence === 1 ? { ...entry, leafHash: 'ab'.repeat(32) } : entry),
      /is about other records than those that are there$/,
    ],
    [
      'what lets them expire is gone itself',
      (entry) => (entry.kind === 'RECORDS_EXPIRED' ? { ...entry, body: '' } : entry),
      /has lost its body/,
    ],
    [
      'sequences that nobody signed',
      (entry) => (entry.kind === 'RECORDS_EXPIRED' ? { ...entry, body: entry.body.replace('[1,1]', '[1,2]') } : entry),
      /^entry \d+ \(\w+\) has lost its body/,
    ],
    [
      'the witness of their age is gone',
      (entry) => (entry.kind === 'CERTIFICATE_ISSUED' ? { ...entry, body: '' } : entry),
      /^entry 6 \(CERTIFICATE_ISSUED\) has lost its body/,
    ],
    ['an expired record that is missing whole', (entry) => (entry.sequence === 1 ? undefined : entry), /1 is missing/],
  ];
  for (const [rule, change, said] of forgeries) {
    it(`is not sound with ${rule}`, async () => {
      const record = new Record();
      await record.live(40);
      await record.sweep();
      assert.equal(await record.verify(), 'sound');
      assert.match(await record.verify(change), said);
    });
  }

  it('is not sound for who knows no key', async () => {
    const record = new Record();
    await record.live(40);
    await record.sweep();
    const outcome = await verifyJournal(record.store);
    assert.match(outcome.ok ? 'sound' : outcome.problem.message, /^entry 1 .* has lost its body/);
  });

  for (const [rule, eventType, days, said] of [
    ['a type that never expires', 'POLICY_APPLIED', 30, /lets records of POLICY_APPLIED expire, which never do$/],
    ['too short a time', 'REGISTRATION', 1, /after 1 days: none does before 30$/],
    ['a longer time than they are old', 'REGISTRATION', 90, /expire that are not shown to be 90 days old$/],
  ] as const) {
    it(`is not sound when a record that was signed names ${rule}`, async () => {
      const record = new Record();
      await record.live(40);
      const { journal, checkpoints } = await record.parts();
      const sequence = eventType === 'REGISTRATION' ? 2 : 4;
      const [entry] = await record.store.read({ after: sequence - 1, limit: 1, order: 'oldest-first' });
      assert.ok(entry !== undefined);
      const expired = [{ event_type: eventType, days, before: 6, sequences: [[sequence, sequence]] as const }];
      const statement = { expired, leaves: digest(entry.leafHash) };
      const signature = signatureIn(await checkpoints.attest(expiryText(statement, checkpoints.key.name)));
      const details = { expired, leaves: statement.leaves, signature };
      const companion = record.store.expiry([sequence]);
      await journal.audit({ eventType: EXPIRY_KIND, result: 'SUCCESS', details }, () => companion);
      assert.match(await record.verify(), said);
    });
  }
});

describe('the time of the record', () => {
  const at = (...days: number[]): { size: number; at: number }[] =>
    days.map((day, index) => ({ size: index + 1, at: day * DAY }));
  for (const [rule, moments, now, settled] of [
    ['is what passed', at(0, 5, 10, 15, 20, 25), 31, 1],
    ['does not begin before the first checkpoint', at(10), 12, 0],
    ['counts a week at most for one gap', at(0, 1, 500), 501, 0],
    ['takes back what a clock that was wrong had added', at(0, 5, 1000, 6), 12, 0],
    ['counts again what comes after', at(0, 5, 1000, 6, 12, 18, 24), 31, 1],
  ] as const) {
    it(rule, () => assert.equal(settledFor(moments, 30 * DAY, now * DAY), settled));
  }
});

function digest(leaf: string): string {
  return createHash('sha256').update(leaf, 'hex').digest('hex');
}

function signer(): { publicKeyDer: Buffer; sign: (data: Uint8Array) => Promise<Buffer> } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    publicKeyDer: publicKey.export({ type: 'spki', format: 'der' }),
    sign: async (data) => sign(null, data, privateKey),
  };
}
