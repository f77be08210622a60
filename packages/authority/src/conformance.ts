import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Companion } from '@rampart/journal';
import type { AuthorityStore, CaCertificateRecord, CertificateRecord, JoinTokenRecord } from './store.ts';

/** A store, and the means to see it as the next process would. */
export interface AuthorityStoreUnderTest {
  readonly store: AuthorityStore;
  /** Closes the store and opens what it left behind; a store without durability returns itself. */
  reopen(): Promise<AuthorityStore>;
  /** Stores what it made for a journal, alone. */
  keep(companion: Companion): Promise<void>;
  close(): Promise<void>;
}

type Rule = readonly [rule: string, holds: (test: AuthorityStoreUnderTest) => Promise<void>];

/** The rules of `AuthorityStore`, held by every implementation. */
export function authorityStoreConformance(name: string, create: () => Promise<AuthorityStoreUnderTest>): void {
  describe(`${name} keeps the rules of an authority store`, () => {
    for (const [rule, holds] of [
      ...HIERARCHY_RULES,
      ...JOIN_TOKEN_RULES,
      ...CERTIFICATE_RULES,
      ...EVIDENCE_RULES,
      ...REVOCATION_RULES,
    ]) {
      it(rule, async () => {
        const test = await create();
        try {
          await holds(test);
        } finally {
          await test.close();
        }
      });
    }
  });
}

const T0 = 1_700_000_000_000;
const SPIFFE_ID = 'spiffe://cluster.local/ns/default/sa/orders';

const HIERARCHY_RULES: readonly Rule[] = [
  ['an empty store has no hierarchy', async ({ store }) => assert.deepEqual(await store.caCertificates(), [])],
  [
    'the hierarchy is there after reopening, byte for byte and in order',
    async (test) => {
      await test.store.changeHierarchy({ added: [ca('ff')] });
      await test.store.changeHierarchy({ added: [ca('0a'), ca('0b')] });
      const expected = [ca('ff'), ca('0a'), ca('0b')];
      assert.deepEqual((await (await test.reopen()).caCertificates()).map(plain), expected.map(plain));
    },
  ],
  [
    'a CA serial is added once, and nothing of that step is kept',
    async ({ store }) => {
      await store.changeHierarchy({ added: [ca('ff')] });
      const twice = { added: [ca('0a'), ca('ff')], bundleSequence: 7 };
      await assert.rejects(store.changeHierarchy(twice), { code: 'STORAGE_FAILED' });
      assert.deepEqual(serials(await store.caCertificates()), ['ff']);
      assert.equal((await store.hierarchyNotes()).bundleSequence, 0);
    },
  ],
  [
    'an authority moves from state to state, several at once',
    async (test) => {
      await test.store.changeHierarchy({ added: [ca('ff'), ca('0a')] });
      const states = [
        { serial: 'ff', state: 'old', since: T0 + 5 },
        { serial: '0a', state: 'active', since: T0 + 5 },
      ] as const;
      await test.store.changeHierarchy({ states });
      const found = await (await test.reopen()).caCertificates();
      assert.deepEqual(
        found.map(({ serial, state, since }) => ({ serial, state, since })),
        states,
      );
    },
  ],
  [
    'an unknown authority has no state, and nothing of that step is kept',
    async ({ store }) => {
      await store.changeHierarchy({ added: [ca('ff')] });
      const states = ['ff', '77'].map((serial) => ({ serial, state: 'old', since: T0 }) as const);
      await assert.rejects(store.changeHierarchy({ states }), { code: 'STORAGE_FAILED' });
      assert.equal((await store.caCertificates())[0]?.state, 'prepared');
    },
  ],
  [
    'the number of the bundle and the pending request are there after reopening',
    async (test) => {
      assert.deepEqual(await test.store.hierarchyNotes(), { bundleSequence: 0, request: undefined });
      const request = { keyName: 'intermediate-1', createdAt: T0 };
      await test.store.changeHierarchy({ bundleSequence: 3, request });
      const store = await test.reopen();
      assert.deepEqual(await store.hierarchyNotes(), { bundleSequence: 3, request });
      await store.changeHierarchy({ request: { keyName: 'intermediate-2', createdAt: T0 } });
      await store.changeHierarchy({ bundleSequence: 4 });
      assert.equal((await store.hierarchyNotes()).request?.keyName, 'intermediate-2');
      await store.changeHierarchy({ request: 'none' });
      assert.deepEqual(await store.hierarchyNotes(), { bundleSequence: 4, request: undefined });
    },
  ],
  [
    'the last leaf of an authority is the one that ends last and is not revoked',
    async ({ store }) => {
      assert.equal(await store.lastLeafEnd('Rampart intermediate'), undefined);
      await store.addCertificate(certificate({ serial: '01', notAfter: T0 + 1 }));
      await store.addCertificate(certificate({ serial: '02', notAfter: T0 + 3 }));
      await store.addCertificate(certificate({ serial: '03', notAfter: T0 + 2, kind: 'server' }));
      await store.addCertificate(certificate({ serial: '04', notAfter: T0 + 9, issuer: 'another' }));
      await store.addCertificate(certificate({ serial: '05', notAfter: T0 + 9, kind: 'intermediate' }));
      await store.addCertificate(certificate({ serial: '06', notAfter: T0 + 4, kind: 'agent' }));
      assert.equal(await store.lastLeafEnd('Rampart intermediate'), T0 + 4);
      await store.revokeCertificate('06', { at: T0, reason: '', by: '' });
      assert.equal(await store.lastLeafEnd('Rampart intermediate'), T0 + 3);
      await store.revokeCertificate('02', { at: T0, reason: '', by: '' });
      assert.equal(await store.lastLeafEnd('Rampart intermediate'), T0 + 2);
    },
  ],
];

const JOIN_TOKEN_RULES: readonly Rule[] = [
  [
    'a join token nobody added is unknown',
    async ({ store }) => assert.deepEqual(await store.claimJoinToken('00', T0), { outcome: 'unknown' }),
  ],
  [
    'a join token is used once',
    async (test) => {
      await test.store.addJoinToken(token());
      assert.deepEqual(await use(test), { outcome: 'used now', token: token() });
      assert.deepEqual(await use(test), { outcome: 'used', token: token() });
    },
  ],
  [
    'of many at the same time exactly one uses a join token',
    async (test) => {
      await test.store.addJoinToken(token());
      const attempts = await Promise.all(Array.from({ length: 20 }, () => use(test)));
      assert.equal(attempts.filter(({ outcome }) => outcome === 'used now').length, 1);
      assert.equal(attempts.filter(({ outcome }) => outcome === 'used').length, 19);
    },
  ],
  [
    'a join token that was claimed and not used is as good as before, and only then the next claims it',
    async ({ store }) => {
      await store.addJoinToken(token());
      const first = await store.claimJoinToken('aa', T0);
      assert.equal(first.outcome, 'claimed');
      let released = false;
      const second = store.claimJoinToken('aa', T0).then((claim) => ({ claim, afterRelease: released }));
      await store.claimJoinToken('bb', T0);
      released = true;
      if (first.outcome === 'claimed') first.release();
      const { claim, afterRelease } = await second;
      assert.deepEqual([claim.outcome, afterRelease], ['claimed', true]);
    },
  ],
  [
    'a join token that was used meanwhile is not used again',
    async ({ store, keep }) => {
      await store.addJoinToken(token());
      const claim = await store.claimJoinToken('aa', T0);
      assert.ok(claim.outcome === 'claimed');
      await keep(claim.use);
      await assert.rejects(keep(claim.use), { code: 'STORAGE_FAILED' });
    },
  ],
  [
    'a used join token is used after reopening',
    async (test) => {
      await test.store.addJoinToken(token());
      await use(test);
      assert.equal((await (await test.reopen()).claimJoinToken('aa', T0)).outcome, 'used');
    },
  ],
  [
    'an unused join token is good after reopening',
    async (test) => {
      await test.store.addJoinToken(token());
      assert.equal((await (await test.reopen()).claimJoinToken('aa', T0)).outcome, 'claimed');
    },
  ],
  [
    'a join token is good until just before its end',
    async (test) => {
      const { expiresAt } = token();
      await test.store.addJoinToken(token());
      assert.equal((await use(test, { at: expiresAt })).outcome, 'expired');
      assert.equal((await use(test, { at: expiresAt - 1 })).outcome, 'used now');
      assert.equal((await use(test, { at: expiresAt })).outcome, 'used');
    },
  ],
];

const CERTIFICATE_RULES: readonly Rule[] = [
  [
    'a certificate is there after reopening',
    async (test) => {
      const { workload: _, ...server } = certificate({ serial: '02', kind: 'server', reason: 'server', sequence: 2 });
      await test.store.addCertificate(certificate());
      await test.store.addCertificate(server);
      const store = await test.reopen();
      assert.deepEqual(await store.certificate('01'), certificate());
      assert.deepEqual(await store.certificate('02'), server);
      assert.equal(await store.certificate('03'), undefined);
    },
  ],
  [
    'a certificate serial is added once',
    async ({ store }) => {
      await store.addCertificate(certificate());
      await assert.rejects(store.addCertificate(certificate({ spiffeId: 'spiffe://other' })), {
        code: 'STORAGE_FAILED',
      });
      assert.deepEqual(await store.certificate('01'), certificate());
    },
  ],
  [
    'certificates come newest first, up to the limit, of one identity when asked',
    async ({ store }) => {
      await store.addCertificate(certificate({ serial: '01', sequence: 9 }));
      await store.addCertificate(certificate({ serial: '02', sequence: 3, spiffeId: 'spiffe://cluster.local/other' }));
      await store.addCertificate(certificate({ serial: '03', sequence: 5000 }));
      assert.deepEqual(serials(await store.certificates({ limit: 10 })), ['03', '01', '02']);
      assert.deepEqual(serials(await store.certificates({ limit: 2 })), ['03', '01']);
      const [newest] = await store.certificates({ limit: 1 });
      const before = newest?.sequence ?? 0;
      assert.deepEqual(serials(await store.certificates({ limit: 10, before })), ['01', '02']);
      assert.deepEqual(serials(await store.certificates({ limit: 10, spiffeId: SPIFFE_ID })), ['03', '01']);
      assert.deepEqual(serials(await store.certificates({ limit: 10, spiffeId: 'spiffe://none' })), []);
    },
  ],
  [
    'where the clock stood is there after reopening',
    async (test) => {
      assert.equal(await test.store.clockMarks(), undefined);
      await test.store.keepClockMarks({ past: 0, latest: T0 });
      await test.store.keepClockMarks({ past: T0, latest: T0 + 1 });
      assert.deepEqual(await (await test.reopen()).clockMarks(), { past: T0, latest: T0 + 1 });
    },
  ],
  [
    'pruning forgets ended leaves and tokens, and nothing else',
    async ({ store }) => {
      await store.addJoinToken(token());
      await store.addJoinToken(token({ tokenHash: 'bb', expiresAt: T0 + 5000 }));
      await store.addCertificate(certificate({ serial: '01', notAfter: T0 + 1000 }));
      await store.addCertificate(certificate({ serial: '02', notAfter: T0 + 5000 }));
      await store.addCertificate(certificate({ serial: '03', notAfter: T0 + 1000, kind: 'root' }));
      await store.prune(T0 + 5000);
      assert.deepEqual(serials(await store.certificates({ limit: 10 })).sort(), ['02', '03']);
      assert.equal((await store.claimJoinToken('aa', T0)).outcome, 'unknown');
      assert.equal((await store.claimJoinToken('bb', T0)).outcome, 'claimed');
    },
  ],
];

const EVIDENCE_RULES: readonly Rule[] = [
  [
    'evidence is used once, by one of any number, also after reopening',
    async (test) => {
      const attempts = Array.from({ length: 20 }, () => test.store.useEvidence('ee', T0 + 1000));
      assert.equal((await Promise.all(attempts)).filter(Boolean).length, 1);
      assert.equal(await test.store.useEvidence('ef', T0 + 1000), true);
      assert.equal(await (await test.reopen()).useEvidence('ee', T0 + 1000), false);
    },
  ],
  [
    'used evidence is forgotten no sooner than it has ended',
    async ({ store }) => {
      await store.useEvidence('ee', T0 + 1000);
      await store.prune(T0 + 1000);
      assert.equal(await store.useEvidence('ee', T0 + 1000), false);
      await store.prune(T0 + 1001);
      assert.equal(await store.useEvidence('ee', T0 + 5000), true);
    },
  ],
  [
    'the token of an agent has no workload',
    async (test) => {
      const { workload: _, ...agent } = token({ spiffeId: 'spiffe://cluster.local/agent/join_token/one' });
      await test.store.addJoinToken(agent);
      const claim = await (await test.reopen()).claimJoinToken('aa', T0);
      assert.deepEqual([claim.outcome, claim.outcome === 'unknown' ? undefined : claim.token], ['claimed', agent]);
    },
  ],
  [
    'what vouched for a certificate is there after reopening',
    async (test) => {
      const attestation = { evidence: 'jwt', attestor: 'cluster', selectors: ['k8s:ns:prod', 'k8s:sa:web'] };
      const attested = certificate({ entryId: 'prod/web', attestation });
      await test.store.addCertificate(attested);
      assert.deepEqual(await (await test.reopen()).certificate('01'), attested);
    },
  ],
];

const REVOCATION_RULES: readonly Rule[] = [
  [
    'a certificate is revoked once, and the first revocation stays',
    async (test) => {
      await test.store.addCertificate(certificate());
      assert.equal(await test.store.revokeCertificate('01', { at: T0, reason: 'key lost', by: 'ann' }), true);
      assert.equal(await test.store.revokeCertificate('01', { at: T0 + 1, reason: 'again', by: 'bob' }), false);
      const store = await test.reopen();
      assert.deepEqual(await store.certificate('01'), {
        ...certificate(),
        revocation: { at: T0, reason: 'key lost', by: 'ann' },
      });
    },
  ],
  [
    'an unknown serial cannot be revoked',
    async ({ store }) => assert.equal(await store.revokeCertificate('77', { at: T0, reason: '', by: '' }), false),
  ],
  [
    'of many at the same time exactly one revokes',
    async ({ store }) => {
      await store.addCertificate(certificate());
      const attempts = Array.from({ length: 10 }, () => store.revokeCertificate('01', { at: T0, reason: '', by: '' }));
      assert.equal((await Promise.all(attempts)).filter(Boolean).length, 1);
    },
  ],
  [
    'revoked certificates are listed until their end',
    async ({ store }) => {
      await store.addCertificate(certificate({ serial: '01' }));
      await store.addCertificate(certificate({ serial: '02' }));
      await store.revokeCertificate('02', { at: T0, reason: '', by: '' });
      const page = { endAfter: T0, after: 0, limit: 10 };
      assert.deepEqual(serials(await store.revokedCertificates(page)), ['02']);
      assert.deepEqual(serials(await store.revokedCertificates({ ...page, endAfter: certificate().notAfter })), []);
    },
  ],
  [
    'revoked certificates are read page by page, in the order of the ledger',
    async ({ store }) => {
      for (const [serial, sequence] of Object.entries({ '01': 4, '02': 9, '03': 2, '04': 7 })) {
        await store.addCertificate(certificate({ serial, sequence }));
      }
      assert.equal(await store.revokeCertificates(['01', '02', '03', '77'], { at: T0, reason: 'x', by: 'ann' }), 3);
      assert.equal(await store.revokeCertificates(['01', '04'], { at: T0 + 1, reason: 'y', by: 'ann' }), 1);
      const page = (after: number): Promise<readonly { readonly serial: string }[]> =>
        store.revokedCertificates({ endAfter: T0, after, limit: 2 });
      assert.deepEqual(serials(await page(0)), ['03', '01']);
      assert.deepEqual(serials(await page(4)), ['04', '02']);
      assert.deepEqual(serials(await page(9)), []);
      const [first] = await store.revokedCertificates({ endAfter: T0, after: 2, limit: 1 });
      assert.deepEqual([first?.at, first?.reason, first?.issuer], [T0, 'x', certificate().issuer]);
      assert.deepEqual(serials(await store.certificatesOf(['04', '01', '99'])).sort(), ['01', '04']);
    },
  ],
  [
    'a scope means leaves by notBefore or by when they were issued, and no others',
    async ({ store }) => {
      const add = (change: Partial<CertificateRecord>): Promise<void> => store.addCertificate(certificate(change));
      await add({ serial: '01', sequence: 1 });
      await add({ serial: '02', sequence: 2, notBefore: T0 + 5000, issuedAt: T0 });
      await add({ serial: '03', sequence: 3, notBefore: T0 + 5000, issuedAt: T0 + 15_000 });
      await add({ serial: '04', sequence: 4, spiffeId: 'spiffe://cluster.local/ns/shop/sa/web', issuer: 'another' });
      await add({ serial: '05', sequence: 5, kind: 'intermediate' });
      const time = { notBeforeUntil: T0 - 10_000, issuedUntil: T0 };
      const meant = async (scope: object): Promise<string[]> =>
        serials((await store.scopeContent({ ...time, ...scope }, T0)).newest);
      assert.deepEqual(await meant({}), ['04', '02', '01']);
      assert.deepEqual(await meant({ spiffeId: SPIFFE_ID }), ['02', '01']);
      assert.deepEqual(await meant({ namespace: 'shop' }), ['04']);
      assert.deepEqual(await meant({ namespace: 'sho' }), []);
      assert.deepEqual(await meant({ issuer: 'another' }), ['04']);
      assert.deepEqual(serials((await store.scopeContent(time, T0)).stragglers), ['02']);
      assert.equal((await store.scopeContent(time, certificate().notAfter)).count, 0);
    },
  ],
  [
    'a scope is revoked once, with the rule that did it, and is none of what was revoked by serial',
    async (test) => {
      await test.store.addCertificate(certificate({ serial: '01' }));
      await test.store.addCertificate(certificate({ serial: '02' }));
      await test.store.revokeCertificate('02', { at: T0, reason: '', by: '' });
      const scope = { spiffeId: SPIFFE_ID, notBeforeUntil: T0, issuedUntil: T0 };
      const revocation = { at: T0, reason: 'superseded', by: 'ann', rule: 'r1' };
      assert.equal(await test.store.revokeScope(scope, revocation), 1);
      assert.equal(await test.store.revokeScope(scope, { ...revocation, rule: 'r2' }), 0);
      const store = await test.reopen();
      assert.deepEqual((await store.certificate('01'))?.revocation, revocation);
      assert.deepEqual(serials(await store.revokedBySerial(T0)), ['02']);
      const revoked = await store.revokedCertificates({ endAfter: T0, after: 0, limit: 10 });
      assert.deepEqual(new Set(serials(revoked)), new Set(['01', '02']));
    },
  ],
  [
    'certificates of workloads are listed until they end or are revoked',
    async ({ store }) => {
      await store.addCertificate(certificate({ serial: '01' }));
      await store.addCertificate(certificate({ serial: '02' }));
      await store.addCertificate(certificate({ serial: '03', kind: 'server' }));
      await store.revokeCertificate('02', { at: T0, reason: '', by: '' });
      assert.deepEqual(serials(await store.workloadCertificates(T0)), ['01']);
      assert.deepEqual(serials(await store.workloadCertificates(certificate().notAfter)), []);
    },
  ],
  [
    'long-lived certificates are listed by when they end, revoked ones are not',
    async ({ store }) => {
      const lives = (serial: string, notBefore: number, notAfter: number): Promise<void> =>
        store.addCertificate(certificate({ serial, notBefore, notAfter }));
      await lives('01', T0, T0 + 1000);
      await lives('02', T0, T0 + 1001);
      await lives('03', T0, T0 + 2000);
      await lives('04', T0, T0 + 2001);
      await lives('05', T0 + 500, T0 + 1500);
      await lives('06', T0, T0 + 1500);
      await store.revokeCertificate('06', { at: T0, reason: '', by: '' });
      const query = { after: T0 + 1000, before: T0 + 2000, lifeMs: 1000 };
      assert.deepEqual(serials(await store.longLivedCertificates(query)).sort(), ['02', '03']);
    },
  ],
];

const WORKLOAD = { namespace: 'default', serviceAccount: 'orders', service: 'orders-api', labels: { app: 'orders' } };

/** Claims a join token and uses it. */
async function use(
  { store, keep }: AuthorityStoreUnderTest,
  { at = T0 }: { readonly at?: number } = {},
): Promise<{ readonly outcome: string; readonly token?: JoinTokenRecord }> {
  const claim = await store.claimJoinToken('aa', at);
  if (claim.outcome !== 'claimed') return claim;
  await keep(claim.use);
  claim.release();
  return { outcome: 'used now', token: claim.token };
}

function token(change: Partial<JoinTokenRecord> = {}): JoinTokenRecord {
  return { tokenHash: 'aa', workload: WORKLOAD, spiffeId: SPIFFE_ID, createdAt: T0, expiresAt: T0 + 1000, ...change };
}

function certificate(change: Partial<CertificateRecord> = {}): CertificateRecord {
  return {
    serial: '01',
    kind: 'workload',
    spiffeId: SPIFFE_ID,
    requestedBy: '',
    issuer: 'Rampart intermediate',
    reason: 'attested',
    issuedAt: T0,
    notBefore: T0 - 10_000,
    notAfter: T0 + 60_000,
    sequence: 1,
    workload: WORKLOAD,
    ...change,
  };
}

function ca(serial: string): CaCertificateRecord {
  const der = Uint8Array.from([0x30, 0x00, 0xff, serial.charCodeAt(0)]);
  return {
    kind: 'root',
    serial,
    name: `Rampart root CA ${serial}`,
    keyName: `root-${serial}`,
    der,
    upstream: [Uint8Array.of(0x30, 0x00), Uint8Array.of(0x30, 0x01, 0xff)],
    notBefore: T0,
    notAfter: T0 + 1,
    state: 'prepared',
    since: T0,
  };
}

/** Engines may answer with a Buffer where a Uint8Array was stored. */
function plain({ der, upstream, ...rest }: CaCertificateRecord): unknown {
  return { ...rest, der: [...der], upstream: upstream.map((each) => [...each]) };
}

function serials(certificates: readonly Pick<CertificateRecord, 'serial'>[]): string[] {
  return certificates.map(({ serial }) => serial);
}
