import assert from 'node:assert/strict';
import { generateKeyPairSync, hash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createCsr } from '@rampart/spiffe';
import { ANN, attest, csr, openFixture, ORDERS, ORDERS_ID, T0 } from '../fixture.ts';
import type { AuthorityFixture } from '../fixture.ts';
import type { WorkloadIdentity } from '../store.ts';

describe('a join token', () => {
  it('is a secret of 32 random bytes of which only the hash is kept', async () => {
    const { authority, seen, audit } = await openFixture();
    const { token, spiffeId, expiresAt } = await authority.createJoinToken(ORDERS, 60, ANN);
    assert.match(token, /^rjt_[A-Za-z0-9_-]{43}$/);
    assert.deepEqual([spiffeId.toString(), expiresAt], [ORDERS_ID.toString(), T0 + 60_000]);
    assert.equal(seen.tokens[0]?.tokenHash, hash('sha256', token, 'hex'));
    const [record] = await audit();
    assert.deepEqual(
      [record?.event_type, record?.identity, record?.source_ip, record?.service_name],
      ['JOIN_TOKEN_CREATED', 'ann', '192.0.2.7', 'orders-api'],
    );
    assert.ok(!JSON.stringify([await audit(), seen.tokens]).includes(token.slice(4)), 'the token is nowhere on record');
  });

  const workloads: readonly { rule: string; change: Partial<WorkloadIdentity>; field: RegExp }[] = [
    { rule: 'a namespace that is no DNS label', change: { namespace: 'a/b' }, field: /namespace must/ },
    { rule: 'an empty service account', change: { serviceAccount: '' }, field: /serviceAccount must/ },
    { rule: 'a service account in upper case', change: { serviceAccount: 'Orders' }, field: /serviceAccount must/ },
    { rule: 'a service with a dot', change: { service: 'orders.default' }, field: /service must/ },
    { rule: 'a bad label', change: { labels: { 'a b': '' } }, field: /labels\["a b"\]/ },
    { rule: 'a label with an empty prefix', change: { labels: { '/b': '' } }, field: /labels\["\/b"\]/ },
    {
      rule: 'too many labels',
      change: { labels: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`l${n}`, ''])) },
      field: /labels must be at most 64/,
    },
  ];
  for (const { rule, change, field } of workloads) {
    it(`is not made for ${rule}`, async () => {
      const { authority } = await openFixture();
      await assert.rejects(authority.createJoinToken({ ...ORDERS, ...change }), {
        code: 'INVALID_ARGUMENT',
        message: field,
      });
    });
  }
  for (const ttl of [0, -1, 0.5, Number.NaN, 604_801]) {
    it(`does not live ${ttl} seconds`, async () => {
      const { authority } = await openFixture();
      await assert.rejects(authority.createJoinToken(ORDERS, ttl), { code: 'INVALID_ARGUMENT' });
    });
  }

  const refusals: readonly {
    rule: string;
    reason: string;
    spoil: (token: string, setUp: AuthorityFixture) => Promise<string>;
  }[] = [
    {
      rule: 'was used',
      reason: 'used join token',
      spoil: async (token, { authority }) => {
        await authority.attest(token, csr(), '10.0.0.9');
        return token;
      },
    },
    {
      rule: 'is late',
      reason: 'expired join token',
      spoil: async (token, { clock }) => {
        clock.time += 600_000;
        return token;
      },
    },
    { rule: 'nobody made', reason: 'unknown join token', spoil: async () => `rjt_${'A'.repeat(43)}` },
    { rule: 'is only its hash', reason: 'unknown join token', spoil: async (token) => hash('sha256', token, 'hex') },
    { rule: 'is empty', reason: 'unknown join token', spoil: async () => '' },
    { rule: 'is very long', reason: 'unknown join token', spoil: async (token) => token.repeat(10_000) },
  ];
  const texts = new Set<string>();
  for (const { rule, reason, spoil } of refusals) {
    it(`that ${rule} is refused and audited, with the same words`, async () => {
      const all = await openFixture();
      const { token } = await all.authority.createJoinToken(ORDERS);
      const refused = await all.authority.attest(await spoil(token, all), csr(), '10.0.0.9');
      assert.equal(!refused.ok && refused.problem.code, 'INVALID_JOIN_TOKEN');
      texts.add(refused.ok ? '' : refused.problem.message);
      assert.equal(texts.size, 1);
      const [record] = await all.audit();
      assert.deepEqual(
        [record?.event_type, record?.result, record?.source_ip, record?.details['reason'], record?.details['rule']],
        ['ATTESTATION_DENIED', 'DENIED', '10.0.0.9', reason, `join-token-${reason.split(' ', 1).join()}`],
      );
    });
  }

  it('is consumed by at most one, whoever comes at the same time, before or after a restart', async () => {
    const { authority, reopen } = await openFixture();
    const replica = await reopen();
    const requests = Array.from({ length: 3 }, csr);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.boolean(), fc.nat(2)), { minLength: 1, maxLength: 8 }),
        fc.scheduler(),
        async (callers, scheduler) => {
          const { token } = await authority.createJoinToken(ORDERS);
          const attempts = callers.map(([here, request]) =>
            scheduler
              .schedule(Promise.resolve())
              .then(() => (here ? authority : replica).attest(token, requests[request] ?? csr(), '')),
          );
          await scheduler.waitIdle();
          const outcomes = await Promise.all(attempts);
          assert.equal(outcomes.filter(({ ok }) => ok).length, 1);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('is left unused by a bad request, and its owner is told what is wrong', async () => {
    const { authority, audit } = await openFixture();
    const { token } = await authority.createJoinToken(ORDERS);
    for (const [rule, bad] of badRequests()) {
      const refused = await authority.attest(token, bad, '10.0.0.9');
      assert.equal(!refused.ok && refused.problem.code, 'INVALID_CSR');
      assert.match(refused.ok ? '' : refused.problem.message, new RegExp(`refused by rule ${rule}: `));
      const [record] = await audit();
      assert.deepEqual([record?.event_type, record?.details['rule']], ['ATTESTATION_DENIED', rule]);
    }
    assert.equal((await authority.attest(token, csr(), '')).ok, true);
  });

  it('is as good as before where its certificate could not be recorded', async () => {
    const { authority, failJournal, store, seen } = await openFixture();
    const { token } = await authority.createJoinToken(ORDERS);
    failJournal();
    await assert.rejects(authority.attest(token, csr(), ''), { code: 'STORAGE_FAILED' });
    const claim = await store.claimJoinToken(seen.tokens[0]?.tokenHash ?? '', T0);
    assert.equal(claim.outcome, 'claimed');
  });

  it('that is used leaves two records: attested and issued', async () => {
    const { authority, audit } = await openFixture();
    const svid = await attest(authority);
    const [issued, attested] = await audit();
    assert.deepEqual(
      [attested?.event_type, attested?.result, attested?.identity, attested?.service_name, attested?.source_ip],
      ['ATTESTATION_SUCCESS', 'SUCCESS', ORDERS_ID.toString(), 'orders-api', '10.0.0.1'],
    );
    assert.deepEqual([issued?.event_type, issued?.details['serial']], ['CERTIFICATE_ISSUED', svid.serial]);
  });
});

function badRequests(): readonly (readonly [rule: string, request: Uint8Array])[] {
  const { privateKey, publicKey: p384 } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const forged = csr();
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
  return [
    ['csr-malformed', Uint8Array.of()],
    ['csr-curve', createCsr({ privateKey, publicKey: p384, privateKeyPem: () => '' })],
    ['csr-signature', forged],
    ['csr-size', new Uint8Array(100_000)],
  ];
}
