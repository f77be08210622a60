import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SpiffeId } from '@rampart/core';
import { describeRule, type RevocableCertificate, type RevocationRule } from './rule.ts';
import { RevocationRuleSet } from './rule-set.ts';

const T = Date.UTC(2026, 0, 20, 10);
const WEB = 'spiffe://cluster.local/ns/prod/sa/web';
const KEY = Uint8Array.of(0xab, 0x01);

function certificate(change: Partial<RevocableCertificate> = {}): RevocableCertificate {
  return { serial: '01', spiffeId: SpiffeId.of(WEB), notBefore: T, authorityKeyId: KEY, ...change };
}

function ruleSet(narrowed: Partial<RevocationRule>): RevocationRuleSet {
  const rules = new RevocationRuleSet();
  rules.add({
    id: 'one',
    trustDomain: 'cluster.local',
    notBeforeUntil: T,
    issuedUntil: T + 10_000,
    reason: 'keyCompromise',
    ...narrowed,
  });
  return rules;
}

describe('a revocation rule', () => {
  const cases: readonly [what: string, rule: Partial<RevocationRule>, of: RevocableCertificate, hits: boolean][] = [
    ['hits up to its time', {}, certificate(), true],
    ['leaves what is newer alone', {}, certificate({ notBefore: T + 1000 }), false],
    ['is about its trust domain only', { trustDomain: 'other.example' }, certificate(), false],
    ['is about its identity', { spiffeId: WEB }, certificate(), true],
    ['is about no other identity', { spiffeId: `${WEB}2` }, certificate(), false],
    ['is about its namespace', { namespace: 'prod' }, certificate(), true],
    ['is about no other namespace', { namespace: 'pro' }, certificate(), false],
    [
      'of a namespace leaves identities without one alone',
      { namespace: '' },
      certificate({ spiffeId: SpiffeId.of('spiffe://cluster.local/db') }),
      false,
    ],
    ['is about its authority', { issuerKeyId: 'ab01' }, certificate(), true],
    ['is about no other authority', { issuerKeyId: 'ab02' }, certificate(), false],
    [
      'of an authority is about certificates that name none, which could be of it',
      { issuerKeyId: 'ab01' },
      certificate({ authorityKeyId: undefined }),
      true,
    ],
    ['narrows with all of its fields', { spiffeId: WEB, namespace: 'other' }, certificate(), false],
  ];
  for (const [what, rule, of, hits] of cases) {
    it(what, () => assert.equal(ruleSet(rule).ofCertificate(of) !== undefined, hits));
  }

  it('is about JWT-SVIDs by when they were issued', () => {
    const token = { spiffeId: SpiffeId.of(WEB), issuedAt: T + 10_000 };
    assert.equal(ruleSet({ spiffeId: WEB }).ofToken(token)?.id, 'one');
    assert.equal(ruleSet({ spiffeId: WEB }).ofToken({ ...token, issuedAt: T + 11_000 }), undefined);
    assert.equal(ruleSet({ issuerKeyId: 'ab01' }).ofToken(token), undefined);
  });

  it('says what it is about', () => {
    const [rule] = ruleSet({ spiffeId: WEB, issuerKeyId: 'ab01' }).all();
    assert.ok(rule !== undefined);
    assert.equal(
      describeRule(rule),
      `every certificate of ${WEB} signed with key ab01 issued until 2026-01-20T10:00:10.000Z is revoked (keyCompromise)`,
    );
  });

  it('is added once, and cleared', () => {
    const rules = ruleSet({ spiffeId: WEB });
    rules.add({
      id: 'one',
      trustDomain: 'cluster.local',
      notBeforeUntil: T + 60_000,
      issuedUntil: T,
      reason: 'superseded',
    });
    assert.equal(rules.all().length, 1);
    assert.equal(rules.ofCertificate(certificate({ notBefore: T + 1 })), undefined);
    rules.clear();
    assert.equal(rules.ofCertificate(certificate()), undefined);
  });
});
