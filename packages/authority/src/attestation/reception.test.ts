import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { parseCertificate } from '@rampart/spiffe';
import { OidcIssuer } from '@rampart/testkit';
import { csr } from '../fixture.ts';
import type { IssuedSvid } from '../issuance/issuance.ts';
import { attestor, entry, openNewcomers, WEB_ID } from './newcomer.fixture.ts';
import type { Newcomers } from './newcomer.fixture.ts';

const issuer = await OidcIssuer.start(Date.now());
const PROD = ['jwt:env:prod'] as const;
const trusted = attestor({
  jwt: { issuer: issuer.url, audiences: ['rampart'], jwks: issuer.jwks, claimSelectors: ['env', 'team'] },
});
await issuer.close();

let all: Newcomers;
let count = 0;

beforeEach(async () => {
  all = await openNewcomers({ attestors: [trusted], entries: [entry(PROD)], now: Date.now() });
});

function attest(claims: object = {}): ReturnType<Newcomers['attest']> {
  count += 1;
  const token = issuer.token(all.clock.time, {
    sub: 'web',
    env: 'prod',
    team: ['a', 'b'],
    jti: String(count),
    ...claims,
  });
  return all.attest({ kind: 'jwt', token });
}

async function attested(): Promise<IssuedSvid> {
  const outcome = await attest();
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.problem.message);
  return outcome.value;
}

describe('a registration entry', () => {
  it('is for those who have all of its selectors', async () => {
    for (const [selectors, holds] of [
      [['jwt:env:prod', 'jwt:team:b'], true],
      [['jwt:env:prod', 'jwt:team:c'], false],
      [['jwt:env:pro'], false],
      [['k8s:env:prod'], false],
    ] as const) {
      all.registered.entries = [entry(selectors)];
      const outcome = await attest();
      if (holds) assert.ok(outcome.ok);
      else await all.assertRefused(outcome, 'entry-none');
    }
  });

  it('that is not the only one gives nothing, and the record names them', async () => {
    all.registered.entries = [entry(PROD), entry(['jwt:team:a'], {}, 'other'), entry(['jwt:team:c'], {}, 'third')];
    const outcome = await attest();
    await all.assertRefused(outcome, 'entry-several');
    assert.equal((await all.audit())[0]?.details['entries'], 'prod/web, prod/other');
    assert.ok(!outcome.ok && !outcome.problem.message.includes('prod/'), 'the newcomer is not told which');
  });

  it('of an agent is for nobody who attests directly', async () => {
    all.registered.entries = [entry(PROD, { parentId: 'spiffe://cluster.local/agent/join_token/host-1' })];
    await all.assertRefused(await attest(), 'entry-none');
  });

  it('ends at its time', async () => {
    all.registered.entries = [entry(PROD, { expiresAt: new Date(all.clock.time + 1000).toISOString() })];
    assert.ok((await attest()).ok);
    all.clock.time += 1000;
    await all.assertRefused(await attest(), 'entry-none');
  });

  it('says how long a certificate lives, and its DNS names', async () => {
    all.registered.entries = [entry(PROD, { x509SvidTtl: '10m', dnsNames: ['web.prod.svc'] })];
    const { chain, notAfter } = await attested();
    assert.equal(notAfter, Math.floor((all.clock.time + 600_000) / 1000) * 1000);
    const leaf = parseCertificate(chain[0]);
    assert.deepEqual(leaf.ok && [leaf.value.uriSans, leaf.value.dnsSans], [[WEB_ID], ['web.prod.svc']]);
  });

  it('that ends makes no certificate that lives on', async () => {
    const endsAt = Math.floor((all.clock.time + 90_000) / 1000) * 1000;
    all.registered.entries = [entry(PROD, { expiresAt: new Date(endsAt).toISOString(), x509SvidTtl: '1h' })];
    assert.equal((await attested()).notAfter, endsAt);
  });

  it('never makes a certificate live for more than a day', async () => {
    all.registered.entries = [entry(PROD, { x509SvidTtl: '24h' })];
    const { notBefore, notAfter } = await attested();
    assert.equal(notAfter - notBefore, 24 * 3_600_000);
  });

  it('with an identity of another form is not for direct attestation', async () => {
    all.registered.entries = [entry(PROD, { spiffeId: 'spiffe://cluster.local/batch' })];
    await all.assertRefused(await attest(), 'entry-no-workload');
  });

  it('stands behind each renewal, in the form it has then', async () => {
    const first = await attested();
    const renew = (serial: string): ReturnType<Newcomers['authority']['renew']> =>
      all.authority.renew(first.spiffeId, serial, { csr: csr(), sourceIp: '' });
    all.registered.entries = [entry(PROD, { service: 'web', labels: { tier: 'gold' }, x509SvidTtl: '1h' })];
    const second = await renew(first.serial);
    assert.ok(second.ok);
    assert.deepEqual(second.value.workload?.labels, { tier: 'gold' });
    assert.equal(second.value.notAfter, Math.floor((all.clock.time + 3_600_000) / 1000) * 1000);
    for (const [what, entries] of [
      ['gone', []],
      ['for others', [entry(['jwt:team:c'])]],
      ['for an agent', [entry(PROD, { parentId: 'spiffe://cluster.local/agent/a' })]],
      ['another identity', [entry(PROD, { spiffeId: 'spiffe://cluster.local/ns/prod/sa/other' })]],
      ['ended', [entry(PROD, { expiresAt: new Date(all.clock.time).toISOString() })]],
    ] as const) {
      all.registered.entries = [...entries];
      const refused = await renew(second.value.serial);
      assert.equal(!refused.ok && refused.problem.code, 'ATTESTATION_DENIED', what);
      const [record] = await all.audit();
      assert.equal(record?.event_type, 'RENEWAL_DENIED');
      assert.match(JSON.stringify(record.details), /renewal-entry/);
    }
  });

  it('gives nothing when it cannot be put on record', async () => {
    const before = await all.ledger();
    all.failJournal();
    await assert.rejects(attest(), { code: 'STORAGE_FAILED' });
    assert.deepEqual(await all.ledger(), before);
    assert.deepEqual(await all.authority.list({ spiffeId: WEB_ID }), []);
  });
});
