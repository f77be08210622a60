import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type EntryFields, revocationOf, revokes } from './revocation-entry.ts';

const WEB = 'spiffe://cluster.local/ns/prod/sa/web';
const ISSUED = {
  event_type: 'CERTIFICATE_ISSUED',
  serial: '5fd1',
  kind: 'workload',
  spiffe_id: WEB,
  issuer: 'CA one',
  not_before: 90,
  issued_at: 100,
};
const RULE = {
  event_type: 'CERTIFICATES_REVOKED',
  spiffe_id: '',
  namespace: '',
  issuer: '',
  issued_until: 100,
  not_before_until: 90,
  serials: [],
};

describe('a ledger entry revokes a certificate', () => {
  const cases: readonly [what: string, entry: EntryFields, issued: EntryFields, revoked: boolean][] = [
    ['of its serial', { event_type: 'CERTIFICATE_REVOKED', serial: '5fd1' }, ISSUED, true],
    ['of no other serial', { event_type: 'CERTIFICATE_REVOKED', serial: '5fd2' }, ISSUED, false],
    ['that was issued in time', RULE, ISSUED, true],
    ['not one that was issued later', RULE, { ...ISSUED, not_before: 91, issued_at: 101 }, false],
    ['that begins in time, whenever it was issued', RULE, { ...ISSUED, issued_at: 101 }, true],
    ['that was issued in time, whenever it begins', RULE, { ...ISSUED, not_before: 91 }, true],
    ['of its identity', { ...RULE, event_type: 'IDENTITY_REVOKED', spiffe_id: WEB }, ISSUED, true],
    ['of a barred identity', { ...RULE, event_type: 'IDENTITY_BARRED', spiffe_id: WEB }, ISSUED, true],
    ['of no other identity', { ...RULE, spiffe_id: `${WEB}2` }, ISSUED, false],
    ['of its namespace', { ...RULE, namespace: 'prod' }, ISSUED, true],
    ['of no other namespace', { ...RULE, namespace: 'pro' }, ISSUED, false],
    ['of its issuer', { ...RULE, issuer: 'CA one' }, ISSUED, true],
    ['of no other issuer', { ...RULE, issuer: 'CA two' }, ISSUED, false],
    ['that it names beside a rule', { ...RULE, issued_until: 1, not_before_until: 1, serials: ['5fd1'] }, ISSUED, true],
    ['not that of an authority by a rule', RULE, { ...ISSUED, kind: 'intermediate' }, false],
    ['that a restored revocation names', { event_type: 'REVOCATION_RESTORED', serials: ['5fd1'] }, ISSUED, true],
    ['by a restored rule', { ...RULE, event_type: 'REVOCATION_RESTORED' }, ISSUED, true],
    ['not by a restored rule whose terms are not told', { event_type: 'REVOCATION_RESTORED' }, ISSUED, false],
    ['not when it is of another kind', { ...RULE, event_type: 'BAR_LIFTED' }, ISSUED, false],
  ];
  for (const [what, entry, issued, revoked] of cases) {
    it(what, () => assert.equal(revokes(entry, issued), revoked));
  }
});

describe('a revocation that did not come about', () => {
  const revoked = { event_type: 'CERTIFICATE_REVOKED', serial: '5fd1', revocation: 'r1' };
  const failed = { event_type: 'REVOCATION_FAILED', serials: ['5fd1'], revocation: 'r1' };

  it('revokes nothing', () => assert.equal(revocationOf([revoked, failed], ISSUED), undefined));
  it('leaves another one alone', () => {
    const again = { ...revoked, revocation: 'r2' };
    assert.equal(revocationOf([revoked, failed, again], ISSUED), again);
    const ofAuthority = { event_type: 'CERTIFICATE_REVOKED', serial: '5fd1' };
    assert.equal(revocationOf([ofAuthority, failed], ISSUED), ofAuthority);
  });
});
