import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import { SpiffeId } from '@rampart/core';
import { verifyJournal } from '@rampart/journal';
import { createCsr, generateKeyPair, verifyChain } from '@rampart/spiffe';
import { attest, DAY, openFixture, ORDERS, ORDERS_ID, publicKey, read, T0 } from '../fixture.ts';
import { createMemoryAuthorityStore } from '../memory-store.ts';
import type { AuthorityStore } from '../store.ts';

describe('a workload certificate', () => {
  it("has one SPIFFE ID, the request's key, and the life it should", async () => {
    const { authority } = await openFixture({ lifetimes: { workloadMs: 3600_000 } });
    const key = generateKeyPair();
    const svid = await attest(authority, { csr: createCsr(key) });
    const leaf = read(svid.chain[0]);
    assert.deepEqual(leaf.uriSans, [ORDERS_ID.toString()]);
    assert.deepEqual([leaf.dnsSans, leaf.ipSans, leaf.isCa], [[], [], false]);
    assert.deepEqual(leaf.publicKey.der, new Uint8Array(key.publicKey.export({ type: 'spki', format: 'der' })));
    assert.equal(leaf.notBefore, Math.floor((T0 - 10_000) / 1000) * 1000);
    assert.equal(leaf.notAfter, Math.floor((T0 + 3600_000) / 1000) * 1000);
    assert.deepEqual([svid.serial, svid.notBefore, svid.notAfter], [leaf.serial, leaf.notBefore, leaf.notAfter]);
    assert.deepEqual(svid.workload, ORDERS);
  });

  it('is never valid for more than 24 hours', async () => {
    const { authority } = await openFixture({ lifetimes: { workloadMs: DAY } });
    const { notBefore, notAfter } = await attest(authority);
    assert.equal(notAfter - notBefore, DAY);
  });

  it('does not outlive its intermediate', async () => {
    const { authority, clock } = await openFixture({
      lifetimes: { rootMs: 30_000, intermediateMs: 20_000, workloadMs: 15_000, serverMs: 1000 },
    });
    clock.time = T0 + 12_000;
    const { chain, notAfter } = await attest(authority);
    assert.equal(notAfter, read(chain[1]).notAfter);
  });

  it('is durable in ledger and store before it is handed out', async () => {
    const inner = createMemoryAuthorityStore();
    const ledgerAtStore: number[] = [];
    const gate = Promise.withResolvers<void>();
    const store: AuthorityStore = {
      ...inner,
      issued: (certificate) => {
        const companion = inner.issued(certificate);
        if (certificate.kind !== 'workload') return companion;
        return {
          ...companion,
          store: async (rows, within) => {
            ledgerAtStore.push((await journal.read({ stream: 'ledger', limit: 10, order: 'oldest-first' })).length);
            await gate.promise;
            await companion.store(rows, within);
          },
        };
      },
    };
    const { authority, journal } = await openFixture({ store });
    let handedOut = false;
    const attested = attest(authority).then(() => (handedOut = true));
    while (ledgerAtStore.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([ledgerAtStore, handedOut], [[3], false]);
    gate.resolve();
    await attested;
  });

  it('is not handed out when the ledger cannot be written', async () => {
    const { authority, failJournal, store } = await openFixture();
    const { token } = await authority.createJoinToken(ORDERS);
    failJournal();
    await assert.rejects(authority.attest(token, createCsr(generateKeyPair()), ''), { code: 'STORAGE_FAILED' });
    assert.deepEqual(await store.certificates({ limit: 10, spiffeId: ORDERS_ID.toString() }), []);
  });

  it('has a ledger entry by which it can be recognised, and no secret', async () => {
    const { authority, ledger, journalStore } = await openFixture();
    const svid = await attest(authority);
    const entry = JSON.parse((await ledger()).at(-1)?.body ?? '') as Record<string, unknown>;
    assert.deepEqual(
      [entry['serial'], entry['spiffe_id'], entry['reason'], entry['certificate_sha256']],
      [svid.serial, ORDERS_ID.toString(), 'attested', hash('sha256', svid.chain[0], 'hex')],
    );
    assert.equal((await verifyJournal(journalStore)).ok, true);
  });

  const lives = [
    { rule: 'workloads longer than 24 hours', lifetimes: { workloadMs: DAY + 1 } },
    { rule: 'under a second', lifetimes: { workloadMs: 999 } },
    { rule: 'that are no number', lifetimes: { serverMs: Number.NaN } },
    { rule: 'of intermediates no longer than of leaves', lifetimes: { intermediateMs: DAY } },
    { rule: 'of roots no longer than of intermediates', lifetimes: { rootMs: 365 * DAY } },
  ];
  for (const { rule, lifetimes } of lives) {
    it(`lives ${rule} are refused`, () => assert.rejects(openFixture({ lifetimes }), { code: 'INVALID_ARGUMENT' }));
  }
});

describe('a server certificate', () => {
  it('carries host names and addresses beside its SPIFFE ID', async () => {
    const { authority } = await openFixture();
    const spiffeId = SpiffeId.of('spiffe://cluster.local/ns/rampart-system/sa/server');
    const issued = await authority.issueServerCertificate(publicKey(), {
      spiffeId,
      dnsNames: ['localhost'],
      ipAddresses: ['127.0.0.1', '::1'],
    });
    const leaf = read(issued.chain[0]);
    assert.deepEqual(
      [leaf.uriSans, leaf.dnsSans, leaf.ipSans],
      [[spiffeId.toString()], ['localhost'], ['127.0.0.1', '::1']],
    );
    assert.equal(verifyChain(issued.chain, authority.bundle().roots, T0).ok, true);
    assert.equal((await authority.list())[0]?.kind, 'server');
  });

  it('is not made for another trust domain', async () => {
    const { authority } = await openFixture();
    const spiffeId = SpiffeId.of('spiffe://example.org/server');
    await assert.rejects(authority.issueServerCertificate(publicKey(), { spiffeId, dnsNames: [], ipAddresses: [] }), {
      code: 'INVALID_ARGUMENT',
    });
  });
});

describe('the list of certificates', () => {
  it('is newest first, and of one identity when asked', async () => {
    const { authority } = await openFixture();
    const first = await attest(authority);
    const second = await attest(authority);
    assert.deepEqual((await authority.list()).map(({ serial }) => serial).slice(0, 2), [second.serial, first.serial]);
    assert.deepEqual(
      (await authority.list({ limit: 1 })).map(({ serial }) => serial),
      [second.serial],
    );
    assert.equal((await authority.list({ spiffeId: ORDERS_ID.toString() })).length, 2);
  });
});
