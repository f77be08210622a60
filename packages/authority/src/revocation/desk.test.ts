import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EntryFields } from '@rampart/journal';
import { RampartError } from '@rampart/core';
import { parseCertificate, type RevocableCertificate } from '@rampart/spiffe';
import { ANN, attest, csr, openFixture, ORDERS_ID, T0 } from '../fixture.ts';
import type { IssuedSvid } from '../issuance/issuance.ts';
import { createMemoryAuthorityStore } from '../memory-store.ts';
import { createMemoryRevocationEpoch, createMemoryRevocationStore } from './memory-store.ts';
import type { RevocationEpoch } from './store.ts';

const ID = ORDERS_ID.toString();
const GROUNDS = { reason: 'keyCompromise', note: '' } as const;
const ORDER = { kind: 'identity', spiffeId: ID, bar: false, ...GROUNDS } as const;

function revocable({ chain, spiffeId }: IssuedSvid): RevocableCertificate {
  const leaf = parseCertificate(chain[0]);
  assert.ok(leaf.ok);
  const { serial, notBefore, authorityKeyId } = leaf.value;
  return { serial, spiffeId, notBefore, authorityKeyId };
}

describe('the revocation of an identity', () => {
  it('hits what was issued until then and nothing later, within one second too', async () => {
    const { authority, clock } = await openFixture();
    const before = await attest(authority);
    clock.time += 1;
    await authority.revocationDesk.revoke(ORDER, ANN);
    clock.time += 1;
    const after = await attest(authority);
    assert.match(
      authority.revocations.of(revocable(before)) ?? '',
      /orders issued until .* is revoked \(keyCompromise\)/,
    );
    assert.equal(authority.revocations.of(revocable(after)), undefined);
    assert.ok(after.notBefore > before.notBefore && after.notBefore <= clock.time);
    clock.time += 1;
    assert.equal((await authority.revocationDesk.revoke(ORDER, ANN)).count, 1);
    assert.notEqual(authority.revocations.of(revocable(after)), undefined);
    assert.equal(authority.revocations.of(revocable(await attest(authority))), undefined);
  });

  it('hits what the ledger has as issued before though the clock was set back', async () => {
    const { authority, clock } = await openFixture();
    clock.time += 60_000;
    const ahead = await attest(authority);
    clock.time = T0;
    assert.equal((await authority.revocationDesk.revoke(ORDER, ANN)).count, 0);
    assert.equal(authority.revocations.of(revocable(ahead)), undefined);
    clock.time = T0 + 60_000;
    assert.equal((await authority.revocationDesk.revoke(ORDER, ANN)).count, 1);
    assert.notEqual(authority.revocations.of(revocable(ahead)), undefined);
  });

  it('goes through its successor that was made meanwhile', async () => {
    const { authority } = await openFixture();
    const { serial } = await attest(authority);
    const [renewed] = await Promise.all([
      authority.renew(ORDERS_ID, serial, { csr: csr(), sourceIp: '' }),
      authority.revocationDesk.revoke(ORDER, ANN),
    ]);
    assert.equal(
      renewed.ok ? authority.revocations.of(revocable(renewed.value)) !== undefined : renewed.problem.code,
      renewed.ok ? true : 'CERTIFICATE_REVOKED',
    );
  });

  it('is about JWT-SVIDs, too', async () => {
    const { authority, clock } = await openFixture();
    await authority.revocationDesk.revoke(ORDER, ANN);
    const token = (issuedAt: number | undefined): string | undefined =>
      authority.revocations.ofToken({ spiffeId: ORDERS_ID, issuedAt });
    assert.notEqual(token(Math.floor(clock.time / 1000) * 1000), undefined);
    assert.notEqual(token(undefined), undefined);
    assert.equal(token(clock.time + 1000), undefined);
  });

  it('is one entry of the ledger and one record, before it is in force', async () => {
    const { authority, ledger, audit, failJournal } = await openFixture();
    await attest(authority);
    await attest(authority);
    await authority.revocationDesk.revoke({ ...ORDER, note: 'stolen' }, ANN);
    const entry = JSON.parse((await ledger()).at(-1)?.body ?? '') as Record<string, unknown>;
    assert.deepEqual(
      [entry['event_type'], entry['spiffe_id'], entry['reason'], entry['note'], entry['requested_by']],
      ['IDENTITY_REVOKED', ID, 'keyCompromise', 'stolen', 'ann'],
    );
    const [record] = await audit();
    assert.deepEqual([record?.event_type, record?.details['certificates']], ['IDENTITY_REVOKED', 2]);
    const spared = await attest(authority);
    failJournal();
    await assert.rejects(authority.revocationDesk.revoke(ORDER, ANN), { code: 'STORAGE_FAILED' });
    assert.equal(authority.revocations.of(revocable(spared)), undefined);
  });

  it('that cannot be written apart from the database did not come about, and says so', async () => {
    const failing = {
      acts: [],
      forgottenBefore: 0,
      forget: () => Promise.resolve(),
      append: () => Promise.reject(new RampartError('STORAGE_FAILED', 'no room')),
    };
    const { reopen, audit, ledger } = await openFixture();
    const authority = await reopen({ revocations: { acts: createMemoryRevocationStore(), epoch: failing } });
    const spared = await attest(authority);
    await assert.rejects(authority.revocationDesk.revoke(ORDER, ANN), { code: 'STORAGE_FAILED' });
    assert.equal(authority.revocations.of(revocable(spared)), undefined);
    assert.equal((await audit())[0]?.event_type, 'REVOCATION_FAILED');
    const fieldsOf = ({ body }: { readonly body: string }): EntryFields => JSON.parse(body) as EntryFields;
    const [revoked, failed] = (await ledger()).slice(-2).map(fieldsOf);
    assert.equal(failed?.['event_type'], 'REVOCATION_FAILED');
    assert.equal(failed['revocation'], revoked?.['revocation']);
  });
});

describe('the revocation of certificates', () => {
  it('that is under way is waited for by who renews one of them, and by nobody else', async () => {
    const { reopen, revocations } = await openFixture();
    const { promise: room, resolve: makeRoom } = Promise.withResolvers<void>();
    const epoch: RevocationEpoch = {
      ...revocations.epoch,
      append: async (act) => {
        await room;
        await revocations.epoch.append(act);
      },
    };
    const authority = await reopen({ revocations: { ...revocations, epoch } });
    const [meant, other] = [await attest(authority), await attest(authority)];
    const renew = ({ serial }: IssuedSvid): ReturnType<typeof authority.renew> =>
      authority.renew(ORDERS_ID, serial, { csr: csr(), sourceIp: '' });
    const order = { kind: 'certificates', serials: [meant.serial.toUpperCase()], ...GROUNDS } as const;
    const revoked = authority.revocationDesk.revoke(order, ANN);
    const waiting = renew(meant);
    assert.ok((await renew(other)).ok);
    await attest(authority);
    makeRoom();
    const refused = await waiting;
    assert.ok(!refused.ok);
    assert.equal(refused.problem.code, 'CERTIFICATE_REVOKED');
    assert.equal((await revoked).count, 1);
  });
});

describe('the revocation epoch and the database together', () => {
  it('put back what the database lacks, once', async () => {
    const { authority, reopen, revocations, audit } = await openFixture();
    const stolen = await attest(authority);
    await authority.revocationDesk.revoke({ ...ORDER, bar: true }, ANN);
    const old = { acts: createMemoryRevocationStore(), epoch: revocations.epoch };
    for (let start = 0; start < 2; start += 1) {
      const again = await reopen({ revocations: old });
      assert.notEqual(again.revocations.of(revocable(stolen)), undefined);
      assert.deepEqual(again.revocations.barred(), [ID]);
    }
    assert.equal((await audit()).filter((record) => record.event_type === 'REVOCATION_RESTORED').length, 1);
  });

  it('refuse an epoch that lacks what the database holds', async () => {
    const { authority, reopen, revocations } = await openFixture();
    await authority.revocationDesk.revoke(ORDER, ANN);
    const cut = { acts: revocations.acts, epoch: createMemoryRevocationEpoch() };
    await assert.rejects(reopen({ revocations: cut }), {
      code: 'DATA_DIRECTORY_UNREADABLE',
      message: /lacks 1 revocation/,
    });
  });

  it('keep a revoked authority from signing again', async () => {
    const { authority, reopen, revocations, store } = await openFixture();
    const serial = authority.hierarchy.describe().find(({ kind }) => kind === 'intermediate')?.serial ?? '';
    const before = await store.caCertificates();
    await authority.hierarchy.taint({ serial, reason: 'stolen' }, ANN);
    await authority.hierarchy.revoke({ serial, reason: 'stolen' }, ANN);
    // As in an old copy of the database, it is active again.
    const states = before.map((each) => ({ serial: each.serial, state: each.state, since: each.since }));
    await store.changeHierarchy({ states });
    const again = await reopen({ revocations: { acts: createMemoryRevocationStore(), epoch: revocations.epoch } });
    assert.equal(again.hierarchy.describe().find((each) => each.serial === serial)?.state, 'revoked');
    assert.notEqual((await attest(again)).issuerSerial, serial);
    assert.ok(again.isRevoked(serial));
  });

  for (const upstream of ['own', 'by-hand'] as const) {
    it(`keep a revoked root from vouching again, and start without it where roots are ${upstream}`, async () => {
      const { reopen, revocations, store } = await openFixture();
      const authority = await reopen();
      const serial = authority.hierarchy.describe()[0]?.serial ?? '';
      const before = await store.caCertificates();
      await authority.hierarchy.prepare('root', ANN);
      await authority.hierarchy.activate({ kind: 'root', serial: '', now: true }, ANN);
      await authority.hierarchy.taint({ serial, reason: 'stolen' }, ANN);
      await authority.hierarchy.revoke({ serial, reason: 'stolen' }, ANN);
      const old = createMemoryAuthorityStore();
      await old.changeHierarchy({ added: before });
      for (const { kind, serial: each, name, notBefore, notAfter } of before) {
        const record = { kind, serial: each, issuer: name, notBefore, notAfter, sequence: 0, issuedAt: 0 } as const;
        await old.addCertificate({
          ...record,
          spiffeId: 'spiffe://cluster.local',
          requestedBy: '',
          reason: 'hierarchy',
        });
      }
      const acts = createMemoryRevocationStore();
      const again = await reopen({ store: old, upstream: { kind: upstream }, revocations: { ...revocations, acts } });
      const states = again.hierarchy.describe().map(({ kind, state }) => `${kind} ${state}`);
      const fresh = upstream === 'own' ? ['root active', 'intermediate active'] : [];
      assert.deepEqual(states, ['root revoked', 'intermediate revoked', ...fresh]);
      assert.equal(again.bundle().roots.length, fresh.length / 2);
    });
  }
});

describe('the revocation of an authority', () => {
  it('that could not be put in force is not done either, and is done when it is asked for again', async () => {
    const { reopen, revocations } = await openFixture();
    let isFull = true;
    const epoch: RevocationEpoch = {
      ...revocations.epoch,
      append: async (act) => {
        if (isFull) throw new RampartError('STORAGE_FAILED', 'no room');
        await revocations.epoch.append(act);
      },
    };
    const authority = await reopen({ revocations: { ...revocations, epoch } });
    const stolen = await attest(authority);
    const { issuerSerial: serial } = stolen;
    const target = { serial, reason: 'stolen' };
    await authority.hierarchy.taint(target, ANN);
    await assert.rejects(authority.hierarchy.revoke(target, ANN), { code: 'STORAGE_FAILED' });
    assert.equal(authority.hierarchy.isTainted(serial), true);
    isFull = false;
    assert.equal((await authority.hierarchy.revoke(target, ANN)).state, 'revoked');
    assert.ok(authority.revocations.rules().length === 1 && authority.revocations.of(revocable(stolen)) !== undefined);
  });
});
