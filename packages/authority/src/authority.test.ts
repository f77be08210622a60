import assert from 'node:assert/strict';
import { generateKeyPairSync, hash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RampartError, SpiffeId, TrustDomain } from '@rampart/core';
import { auditRecord, createMemoryJournalStore, Journal, verifyJournal } from '@rampart/journal';
import type { AuditRecord, JournalEntry } from '@rampart/journal';
import { MemoryKeyStore } from '@rampart/keyring';
import type { KeyStore } from '@rampart/keyring';
import { createCsr, generateKeyPair, parseCertificate, verifyChain } from '@rampart/spiffe';
import type { ParsedCertificate } from '@rampart/spiffe';
import { openAuthority } from './authority.ts';
import type { Authority, AuthorityOptions } from './authority.ts';
import type { IssuedSvid } from './issuance.ts';
import { createMemoryAuthorityStore } from './memory-store.ts';
import type { AuthorityStore, WorkloadIdentity } from './store.ts';

const T0 = Date.UTC(2026, 0, 20, 10, 30) + 123;
const DAY = 24 * 3600 * 1000;
const ORDERS: WorkloadIdentity = { namespace: 'default', serviceAccount: 'orders', service: 'orders-api', labels: { version: '2' } };
const ORDERS_ID = SpiffeId.of('spiffe://cluster.local/ns/default/sa/orders');

describe('the hierarchy', () => {
  it('is root, intermediate, leaf; each in the ledger', async () => {
    const { authority, ledger } = await setUp();
    const svid = await attest(authority);
    const [root] = authority.bundle().roots;
    assert.ok(root);
    assert.equal(svid.chain.length, 2);
    assert.deepEqual(verifyChain(svid.chain, [root], T0), { ok: true, value: ORDERS_ID });
    const kinds = (await ledger()).map(({ body }) => (JSON.parse(body) as { kind: string }).kind);
    assert.deepEqual(kinds, ['root', 'intermediate', 'workload']);
    const [rootCertificate, intermediate] = [read(root), read(svid.chain[1])];
    assert.deepEqual([rootCertificate.pathLength, intermediate.pathLength], [1, 0]);
    assert.ok(rootCertificate.notBefore <= T0 - 10_000 && intermediate.notBefore <= T0 - 10_000);
  });

  it('is continued after a restart, with the same keys', async () => {
    const { authority, reopen } = await setUp();
    const svid = await attest(authority);
    const restarted = await reopen();
    assert.deepEqual(restarted.bundle(), authority.bundle());
    const next = await attest(restarted);
    assert.deepEqual(next.chain[1], svid.chain[1]);
    assert.equal(verifyChain(next.chain, authority.bundle().roots, T0).ok, true);
  });

  it('is completed when the first opening ended after the root', async () => {
    const { store, reopen } = await setUp();
    const [root] = await store.caCertificates();
    assert.ok(root);
    const half = createMemoryAuthorityStore();
    await half.addCaCertificate(root);
    const authority = await reopen({ store: half });
    assert.deepEqual(authority.bundle().roots, [root.der]);
    assert.equal(verifyChain((await attest(authority)).chain, [root.der], T0).ok, true);
  });

  for (const { kind } of [{ kind: 'root' }, { kind: 'intermediate' }]) {
    it(`is refused when the key of the ${kind} is missing`, async () => {
      const { keys, reopen } = await setUp();
      const lost: KeyStore = { create: (name) => keys.create(name), open: async (name) => (name.startsWith(kind) ? undefined : keys.open(name)) };
      await assert.rejects(reopen({ keys: lost }), { code: 'KEY_UNREADABLE', message: new RegExp(`private key "${kind}-[0-9a-f]+" of the ${kind} certificate .* is missing; restore`) });
    });

    it(`is refused when the key of the ${kind} is another one`, async () => {
      const { keys, reopen } = await setUp();
      const stranger = await keys.create('stranger');
      const wrong: KeyStore = { create: (name) => keys.create(name), open: async (name) => (name.startsWith(kind) ? stranger : keys.open(name)) };
      await assert.rejects(reopen({ keys: wrong }), { code: 'KEY_UNREADABLE', message: /does not belong to/ });
    });
  }

  it('of another trust domain is refused', async () => {
    const { reopen } = await setUp();
    await assert.rejects(reopen({ trustDomain: TrustDomain.of('example.org') }), { code: 'INVALID_ARGUMENT', message: /is of trust domain cluster\.local, not example\.org/ });
  });

  it('whose roots have all ended is refused, not replaced', async () => {
    const { clock, reopen, store } = await setUp();
    clock.time = T0 + 3651 * DAY;
    await assert.rejects(reopen(), { code: 'INVALID_CERTIFICATE' });
    assert.equal((await store.caCertificates()).length, 2);
  });

  it('gets its next intermediate when a week is left, once for all who ask', async () => {
    const { authority, clock, store } = await setUp();
    const before = await attest(authority);
    clock.time = T0 + 359 * DAY;
    const [one, two] = await Promise.all([attest(authority), attest(authority)]);
    assert.notDeepEqual(one.chain[1], before.chain[1]);
    assert.deepEqual(one.chain[1], two.chain[1]);
    assert.equal((await store.caCertificates()).length, 3);
    assert.equal(verifyChain(one.chain, authority.bundle().roots, clock.time).ok, true);
  });

  it('goes on with the old intermediate, and says so, when the next one cannot be made yet', async () => {
    const { keys, clock, reopen, audit } = await setUp();
    const full: KeyStore = { open: (name) => keys.open(name), create: () => Promise.reject(new RampartError('STORAGE_FAILED', 'disk full')) };
    const authority = await reopen({ keys: full });
    clock.time = T0 + 359 * DAY;
    assert.equal(verifyChain((await attest(authority)).chain, authority.bundle().roots, clock.time).ok, true);
    assert.ok((await audit()).some(({ result, details }) => result === 'FAILURE' && details['reason'] === 'disk full'));
    clock.time = T0 + 366 * DAY;
    await assert.rejects(attest(authority), { code: 'STORAGE_FAILED' });
  });
});

describe('a workload certificate', () => {
  it('has one SPIFFE ID, the request\'s key, and the life it should', async () => {
    const { authority } = await setUp({ lifetimes: { workloadMs: 3600_000 } });
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
    const { authority } = await setUp({ lifetimes: { workloadMs: DAY } });
    const { notBefore, notAfter } = await attest(authority);
    assert.equal(notAfter - notBefore, DAY);
  });

  it('does not outlive its intermediate', async () => {
    const { authority, clock } = await setUp({ lifetimes: { rootMs: 30_000, intermediateMs: 20_000, workloadMs: 15_000, serverMs: 1000 } });
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
      addCertificate: async (certificate) => {
        if (certificate.kind === 'workload') {
          ledgerAtStore.push((await journal.read({ stream: 'ledger', limit: 10, order: 'oldest-first' })).length);
          await gate.promise;
        }
        return inner.addCertificate(certificate);
      },
    };
    const { authority, journal } = await setUp({ store });
    let handedOut = false;
    const attested = attest(authority).then(() => (handedOut = true));
    while (ledgerAtStore.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([ledgerAtStore, handedOut], [[3], false]);
    gate.resolve();
    await attested;
  });

  it('is not handed out when the ledger cannot be written', async () => {
    const { authority, failJournal, store } = await setUp();
    const { token } = await authority.createJoinToken(ORDERS);
    failJournal();
    await assert.rejects(authority.attest(token, createCsr(generateKeyPair()), ''), { code: 'STORAGE_FAILED' });
    assert.deepEqual(await store.certificates({ limit: 10, spiffeId: ORDERS_ID.toString() }), []);
  });

  it('has a ledger entry by which it can be recognised, and no secret', async () => {
    const { authority, ledger, journalStore } = await setUp();
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
    it(`lives ${rule} are refused`, () => assert.rejects(setUp({ lifetimes }), { code: 'INVALID_ARGUMENT' }));
  }
});

describe('a join token', () => {
  it('is a secret of 32 random bytes of which only the hash is kept', async () => {
    const { authority, seen, audit } = await setUp();
    const { token, spiffeId, expiresAt } = await authority.createJoinToken(ORDERS, 60, 'operator ann');
    assert.match(token, /^rjt_[A-Za-z0-9_-]{43}$/);
    assert.deepEqual([spiffeId.toString(), expiresAt], [ORDERS_ID.toString(), T0 + 60_000]);
    assert.equal(seen.tokens[0]?.tokenHash, hash('sha256', token, 'hex'));
    const [record] = await audit();
    assert.deepEqual([record?.event_type, record?.identity, record?.service_name], ['JOIN_TOKEN_CREATED', 'operator ann', 'orders-api']);
    assert.ok(!JSON.stringify([await audit(), seen.tokens]).includes(token.slice(4)), 'the token is nowhere on record');
  });

  const workloads: readonly { rule: string; change: Partial<WorkloadIdentity>; field: RegExp }[] = [
    { rule: 'a namespace that is no DNS label', change: { namespace: 'a/b' }, field: /namespace must/ },
    { rule: 'an empty service account', change: { serviceAccount: '' }, field: /serviceAccount must/ },
    { rule: 'a service account in upper case', change: { serviceAccount: 'Orders' }, field: /serviceAccount must/ },
    { rule: 'a service with a dot', change: { service: 'orders.default' }, field: /service must/ },
    { rule: 'a bad label', change: { labels: { 'a b': '' } }, field: /labels\["a b"\]/ },
    { rule: 'a label with an empty prefix', change: { labels: { '/b': '' } }, field: /labels\["\/b"\]/ },
    { rule: 'too many labels', change: { labels: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`l${n}`, ''])) }, field: /labels must be at most 64/ },
  ];
  for (const { rule, change, field } of workloads) {
    it(`is not made for ${rule}`, async () => {
      const { authority } = await setUp();
      await assert.rejects(authority.createJoinToken({ ...ORDERS, ...change }), { code: 'INVALID_ARGUMENT', message: field });
    });
  }
  for (const ttl of [0, -1, 0.5, Number.NaN, 604_801]) {
    it(`does not live ${ttl} seconds`, async () => {
      const { authority } = await setUp();
      await assert.rejects(authority.createJoinToken(ORDERS, ttl), { code: 'INVALID_ARGUMENT' });
    });
  }

  const refusals: readonly { rule: string; reason: string; spoil: (token: string, setUp: SetUp) => Promise<string> }[] = [
    { rule: 'was used', reason: 'used join token', spoil: async (token, { authority }) => (await authority.attest(token, csr(), '10.0.0.9'), token) },
    { rule: 'is late', reason: 'expired join token', spoil: async (token, { clock }) => ((clock.time += 600_000), token) },
    { rule: 'nobody made', reason: 'unknown join token', spoil: async () => `rjt_${'A'.repeat(43)}` },
    { rule: 'is only its hash', reason: 'unknown join token', spoil: async (token) => hash('sha256', token, 'hex') },
    { rule: 'is empty', reason: 'unknown join token', spoil: async () => '' },
    { rule: 'is very long', reason: 'unknown join token', spoil: async (token) => token.repeat(10_000) },
  ];
  const texts = new Set<string>();
  for (const { rule, reason, spoil } of refusals) {
    it(`that ${rule} is refused and audited, with the same words`, async () => {
      const all = await setUp();
      const { token } = await all.authority.createJoinToken(ORDERS);
      const refused = await all.authority.attest(await spoil(token, all), csr(), '10.0.0.9');
      assert.equal(!refused.ok && refused.problem.code, 'INVALID_JOIN_TOKEN');
      texts.add(refused.ok ? '' : refused.problem.message);
      assert.equal(texts.size, 1);
      const [record] = await all.audit();
      assert.deepEqual([record?.event_type, record?.result, record?.source_ip, record?.details['reason']], ['ATTESTATION_DENIED', 'DENIED', '10.0.0.9', reason]);
    });
  }

  it('is consumed by at most one, whoever comes at the same time, before or after a restart', async () => {
    const { authority, reopen } = await setUp();
    const replica = await reopen();
    const requests = Array.from({ length: 3 }, csr);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.boolean(), fc.nat(2)), { minLength: 1, maxLength: 8 }), fc.scheduler(), async (callers, scheduler) => {
        const { token } = await authority.createJoinToken(ORDERS);
        const attempts = callers.map(([here, request]) =>
          scheduler.schedule(Promise.resolve()).then(() => (here ? authority : replica).attest(token, requests[request] ?? csr(), '')),
        );
        await scheduler.waitAll();
        const outcomes = await Promise.all(attempts);
        assert.equal(outcomes.filter(({ ok }) => ok).length, 1);
      }),
      { numRuns: 40 },
    );
  });

  it('is left unused by a bad request, and its owner is told what is wrong', async () => {
    const { authority, audit } = await setUp();
    const { token } = await authority.createJoinToken(ORDERS);
    for (const [bad, problem] of badRequests()) {
      const refused = await authority.attest(token, bad, '10.0.0.9');
      assert.equal(!refused.ok && refused.problem.code, 'INVALID_CSR');
      assert.match(refused.ok ? '' : refused.problem.message, problem);
      assert.equal((await audit())[0]?.event_type, 'ATTESTATION_DENIED');
    }
    assert.equal((await authority.attest(token, csr(), '')).ok, true);
  });

  it('that is used leaves two records: attested and issued', async () => {
    const { authority, audit } = await setUp();
    const svid = await attest(authority);
    const [issued, attested] = await audit();
    assert.deepEqual([attested?.event_type, attested?.result, attested?.identity, attested?.service_name, attested?.source_ip], ['ATTESTATION_SUCCESS', 'SUCCESS', ORDERS_ID.toString(), 'orders-api', '10.0.0.1']);
    assert.deepEqual([issued?.event_type, issued?.details['serial']], ['CERTIFICATE_ISSUED', svid.serial]);
  });
});

describe('renewal', () => {
  it('gives the same workload a new certificate for a new key', async () => {
    const { authority, clock, audit, ledger } = await setUp();
    const svid = await attest(authority);
    clock.time += DAY / 2;
    const renewed = await authority.renew(ORDERS_ID, svid.serial, { csr: csr(), sourceIp: '10.0.0.1' });
    assert.ok(renewed.ok);
    assert.notEqual(renewed.value.serial, svid.serial);
    assert.deepEqual(renewed.value.workload, ORDERS);
    assert.deepEqual(verifyChain(renewed.value.chain, authority.bundle().roots, clock.time), { ok: true, value: ORDERS_ID });
    const [record] = await audit();
    assert.deepEqual([record?.event_type, record?.details['previous_serial'], record?.details['serial']], ['CERTIFICATE_RENEWED', svid.serial, renewed.value.serial]);
    assert.match((await ledger()).at(-1)?.body ?? '', /"reason":"renewal".*"requested_by":"spiffe:\/\/cluster\.local\/ns\/default\/sa\/orders"/);
  });

  it('takes the serial as OpenSSL prints it', async () => {
    const { authority } = await setUp();
    const { serial } = await attest(authority);
    const printed = (serial.toUpperCase().match(/../g) ?? []).join(':');
    assert.equal((await authority.renew(ORDERS_ID, printed, { csr: csr(), sourceIp: '' })).ok, true);
  });

  const refusals: readonly { rule: string; code: string; with: (setUp: SetUp, svid: IssuedSvid) => Promise<{ peer?: SpiffeId; serial?: string; csr?: Uint8Array }> }[] = [
    { rule: 'with a revoked certificate', code: 'CERTIFICATE_REVOKED', with: async ({ authority }, { serial }) => (await authority.revoke(serial, 'lost', 'ann'), {}) },
    { rule: 'with an ended certificate', code: 'PERMISSION_DENIED', with: async ({ clock }) => ((clock.time += DAY), {}) },
    { rule: 'with a serial nobody issued', code: 'PERMISSION_DENIED', with: async () => ({ serial: '77'.repeat(16) }) },
    { rule: 'with another identity\'s certificate', code: 'PERMISSION_DENIED', with: async () => ({ peer: SpiffeId.of('spiffe://cluster.local/ns/default/sa/users') }) },
    {
      rule: 'with a server certificate',
      code: 'PERMISSION_DENIED',
      with: async ({ authority }) => ({ serial: (await authority.issueServerCertificate(publicKey(), { spiffeId: ORDERS_ID, dnsNames: ['localhost'], ipAddresses: [] })).serial }),
    },
    { rule: 'with a bad request', code: 'INVALID_CSR', with: async () => ({ csr: Uint8Array.of(0x30, 0x00) }) },
  ];
  for (const { rule, code, with: spoil } of refusals) {
    it(`${rule} is refused and audited`, async () => {
      const all = await setUp();
      const svid = await attest(all.authority);
      const change = await spoil(all, svid);
      const request = { csr: change.csr ?? csr(), sourceIp: '10.0.0.9' };
      const refused = await all.authority.renew(change.peer ?? ORDERS_ID, change.serial ?? svid.serial, request);
      assert.equal(!refused.ok && refused.problem.code, code);
      const [record] = await all.audit();
      assert.deepEqual([record?.event_type, record?.result, record?.source_ip], ['RENEWAL_DENIED', 'DENIED', '10.0.0.9']);
    });
  }

  it('that races with a revocation gives nobody a usable certificate', async () => {
    const inner = createMemoryAuthorityStore();
    const reached = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const store: AuthorityStore = {
      ...inner,
      addCertificate: async (certificate) => {
        if (certificate.reason === 'renewal') {
          reached.resolve();
          await gate.promise;
        }
        return inner.addCertificate(certificate);
      },
    };
    const { authority } = await setUp({ store });
    const svid = await attest(authority);
    const renewal = authority.renew(ORDERS_ID, svid.serial, { csr: csr(), sourceIp: '' });
    await reached.promise;
    await authority.revoke(svid.serial, 'stolen', 'ann');
    gate.resolve();
    const refused = await renewal;
    assert.equal(!refused.ok && refused.problem.code, 'CERTIFICATE_REVOKED');
    assert.equal(authority.revokedSerials().length, 2);
  });
});

describe('revocation', () => {
  it('is durable, in the ledger, audited, and told to listeners', async () => {
    const { authority, reopen, audit, ledger } = await setUp();
    const { serial } = await attest(authority);
    const told: string[] = [];
    const stop = authority.onRevoked((revoked) => told.push(revoked));
    assert.equal(await authority.revoke(serial.toUpperCase(), 'key lost', 'ann'), true);
    assert.deepEqual([authority.isRevoked(serial), authority.revokedSerials(), told], [true, [serial], [serial]]);
    const restarted = await reopen();
    assert.deepEqual([restarted.isRevoked(serial), restarted.revokedSerials()], [true, [serial]]);
    const [record] = await audit();
    assert.deepEqual([record?.event_type, record?.identity, record?.details], ['CERTIFICATE_REVOKED', 'ann', { serial, spiffe_id: ORDERS_ID.toString(), reason: 'key lost' }]);
    assert.equal((await ledger()).at(-1)?.kind, 'CERTIFICATE_REVOKED');
    assert.deepEqual((await authority.list())[0]?.revocation, { at: T0, reason: 'key lost', by: 'ann' });
    stop();
    await authority.revoke((await attest(authority)).serial, '', '');
    assert.equal(told.length, 1);
  });

  it('happens once, however often it is asked for', async () => {
    const { authority, ledger } = await setUp();
    const { serial } = await attest(authority);
    const outcomes = await Promise.all([1, 2, 3].map(() => authority.revoke(serial, '', '')));
    assert.deepEqual(outcomes, [true, false, false]);
    assert.equal((await ledger()).filter(({ kind }) => kind === 'CERTIFICATE_REVOKED').length, 1);
  });

  it('of an unknown serial says no', async () => {
    const { authority } = await setUp();
    assert.equal(await authority.revoke('not a serial', '', ''), false);
  });

  it('of the hierarchy itself is refused', async () => {
    const { authority, store } = await setUp();
    for (const { serial } of await store.caCertificates()) {
      await assert.rejects(authority.revoke(serial, '', ''), { code: 'INVALID_ARGUMENT' });
      assert.equal(authority.isRevoked(serial), false);
    }
  });

  it('reaches every listener though one fails', async () => {
    const { authority } = await setUp();
    const { serial } = await attest(authority);
    const told: string[] = [];
    authority.onRevoked(() => {
      throw new Error('listener');
    });
    authority.onRevoked((revoked) => told.push(revoked));
    await assert.rejects(authority.revoke(serial, '', ''), AggregateError);
    assert.deepEqual([told, authority.isRevoked(serial)], [[serial], true]);
  });

  it('is no longer listed when the certificate has ended', async () => {
    const { authority, clock } = await setUp();
    const { serial } = await attest(authority);
    await authority.revoke(serial, '', '');
    clock.time += DAY;
    assert.deepEqual(authority.revokedSerials(), []);
  });
});

describe('a server certificate', () => {
  it('carries host names and addresses beside its SPIFFE ID', async () => {
    const { authority } = await setUp();
    const spiffeId = SpiffeId.of('spiffe://cluster.local/ns/rampart-system/sa/server');
    const issued = await authority.issueServerCertificate(publicKey(), { spiffeId, dnsNames: ['localhost'], ipAddresses: ['127.0.0.1', '::1'] });
    const leaf = read(issued.chain[0]);
    assert.deepEqual([leaf.uriSans, leaf.dnsSans, leaf.ipSans], [[spiffeId.toString()], ['localhost'], ['127.0.0.1', '::1']]);
    assert.equal(verifyChain(issued.chain, authority.bundle().roots, T0).ok, true);
    assert.equal((await authority.list())[0]?.kind, 'server');
  });

  it('is not made for another trust domain', async () => {
    const { authority } = await setUp();
    const spiffeId = SpiffeId.of('spiffe://example.org/server');
    await assert.rejects(authority.issueServerCertificate(publicKey(), { spiffeId, dnsNames: [], ipAddresses: [] }), { code: 'INVALID_ARGUMENT' });
  });
});

describe('the list of certificates', () => {
  it('is newest first, of one identity when asked, and forgets leaves a day after their end', async () => {
    const { authority, clock } = await setUp();
    const first = await attest(authority);
    const second = await attest(authority);
    assert.deepEqual((await authority.list()).map(({ serial }) => serial).slice(0, 2), [second.serial, first.serial]);
    assert.deepEqual((await authority.list({ limit: 1 })).map(({ serial }) => serial), [second.serial]);
    assert.equal((await authority.list({ spiffeId: ORDERS_ID.toString() })).length, 2);
    clock.time += 2 * DAY + 1000;
    const third = await attest(authority);
    assert.deepEqual((await authority.list({ spiffeId: ORDERS_ID.toString() })).map(({ serial }) => serial), [third.serial]);
  });
});

interface SetUp {
  readonly authority: Authority;
  readonly clock: { time: number; now(): number; after(): { cancel(): void } };
  readonly store: AuthorityStore;
  readonly keys: KeyStore;
  readonly journal: Journal;
  readonly journalStore: ReturnType<typeof createMemoryJournalStore>;
  /** What reached the store. */
  readonly seen: { tokens: { tokenHash: string }[] };
  /** Newest first. */
  audit(): Promise<AuditRecord[]>;
  /** Oldest first. */
  ledger(): Promise<readonly JournalEntry[]>;
  reopen(change?: Partial<AuthorityOptions>): Promise<Authority>;
  failJournal(): void;
}

async function setUp(options: Partial<Pick<AuthorityOptions, 'store' | 'lifetimes'>> = {}): Promise<SetUp> {
  const clock = {
    time: T0,
    now(): number {
      return this.time;
    },
    after: () => ({ cancel: () => {} }),
  };
  const seen: SetUp['seen'] = { tokens: [] };
  const inner = options.store ?? createMemoryAuthorityStore();
  const store: AuthorityStore = { ...inner, addJoinToken: (token) => (seen.tokens.push(token), inner.addJoinToken(token)) };
  const keys = new MemoryKeyStore();
  const journalStore = createMemoryJournalStore();
  let failing = false;
  const append: typeof journalStore.append = (batch) =>
    failing ? Promise.reject(new RampartError('STORAGE_FAILED', 'disk full')) : journalStore.append(batch);
  const journal = await Journal.open({ ...journalStore, append }, clock);
  const reopen = (change: Partial<AuthorityOptions> = {}): Promise<Authority> =>
    openAuthority({ trustDomain: TrustDomain.of('cluster.local'), keys, store, journal, clock, lifetimes: options.lifetimes ?? {}, ...change });
  const authority = await reopen();
  return {
    authority,
    clock,
    store,
    keys,
    journal,
    journalStore,
    seen,
    audit: async () => (await journal.read({ stream: 'audit', limit: 1000, order: 'newest-first' })).map(auditRecord),
    ledger: () => journal.read({ stream: 'ledger', limit: 1000, order: 'oldest-first' }),
    reopen,
    failJournal: () => (failing = true),
  };
}

async function attest(authority: Authority, change: { readonly csr?: Uint8Array } = {}): Promise<IssuedSvid> {
  const { token } = await authority.createJoinToken(ORDERS);
  const attested = await authority.attest(token, change.csr ?? csr(), '10.0.0.1');
  if (!attested.ok) throw attested.problem;
  return attested.value;
}

function csr(): Uint8Array {
  return createCsr(generateKeyPair());
}

function publicKey(): Uint8Array {
  return new Uint8Array(generateKeyPair().publicKey.export({ type: 'spki', format: 'der' }));
}

function badRequests(): readonly (readonly [request: Uint8Array, problem: RegExp])[] {
  const { privateKey, publicKey: p384 } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const forged = csr();
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
  return [
    [Uint8Array.of(), /was refused/],
    [createCsr({ privateKey, publicKey: p384, privateKeyPem: () => '' }), /P-256/],
    [forged, /was refused/],
    [new Uint8Array(100_000), /larger/],
  ];
}

function read(der: Uint8Array): ParsedCertificate {
  const parsed = parseCertificate(der);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.value;
}
