import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SpiffeId, TrustDomain } from '@rampart/core';
import { createMemoryJournalStore, Journal } from '@rampart/journal';
import { MemoryKeyStore } from '@rampart/keyring';
import { algorithmOf, verifyJwtSvid } from '@rampart/spiffe';
import { type JwtAuthorityOptions, openJwtAuthority } from './jwt-authority.ts';
import type { JwtAuthorities } from './jwt-svid-issuer.ts';
import { createMemoryJwtKeyStore } from './memory-store.ts';

const T0 = Date.UTC(2026, 0, 20, 10, 30) + 123;
const DAY = 24 * 3600 * 1000;
const WEB = SpiffeId.of('spiffe://cluster.local/ns/default/sa/web');
const ANN = { requestedBy: 'ann', sourceIp: '192.0.2.7' };
const REQUEST = { spiffeId: WEB, audiences: ['orders'], ...ANN };

interface Fixture {
  readonly authority: JwtAuthorities;
  readonly clock: { time: number; now(): number };
  readonly options: JwtAuthorityOptions;
  readonly journal: Journal;
  readonly failJournal: () => void;
  verify(token: string): Promise<string>;
  kinds(stream: 'audit' | 'ledger'): Promise<readonly string[]>;
}

async function open(change: Partial<JwtAuthorityOptions> = {}): Promise<Fixture> {
  const clock = { time: T0, now: () => clock.time, after: () => ({ cancel: () => {} }) };
  const inner = createMemoryJournalStore();
  let failing = false;
  const append: typeof inner.append = (batch) =>
    failing ? Promise.reject(new Error('disk full')) : inner.append(batch);
  const journal = await Journal.open({ ...inner, append }, clock);
  const options: JwtAuthorityOptions = {
    trustDomain: TrustDomain.of('cluster.local'),
    keys: new MemoryKeyStore(),
    store: createMemoryJwtKeyStore(),
    journal,
    clock,
    ...change,
  };
  const authority = await openJwtAuthority(options);
  return {
    authority,
    clock,
    options,
    journal,
    failJournal: () => void (failing = true),
    verify: async (token) => {
      const verified = await verifyJwtSvid(token, {
        bundles: () => authority.authorities(),
        audience: 'orders',
        now: clock.time,
      });
      return verified.ok ? verified.value.spiffeId.toString() : verified.problem.code;
    },
    kinds: async (stream) =>
      (await journal.read({ stream, limit: 1000, order: 'oldest-first' })).map(({ kind }) => kind),
  };
}

describe('a JWT-SVID', () => {
  it('is for whom it was asked, for 5 minutes, and verifies with the published keys', async () => {
    const { authority, verify } = await open();
    const issued = await authority.issue(REQUEST);
    assert.equal(await verify(issued.token), WEB.toString());
    assert.equal(issued.expiresAt - issued.issuedAt, 300_000);
    assert.match(authority.authorities()[0]?.keyId ?? '', /^[\w-]{43}$/);
  });

  it('lives as long as asked, but no longer than an hour and than its key', async () => {
    const { authority, clock } = await open();
    const lifeOf = async (seconds: number): Promise<number> => {
      const { issuedAt, expiresAt } = await authority.issue({ ...REQUEST, ttlMs: seconds * 1000 });
      return (expiresAt - issuedAt) / 1000;
    };
    assert.deepEqual([await lifeOf(60), await lifeOf(86_400)], [60, 3600]);
    const [key] = authority.keys();
    clock.time = (key?.notAfter ?? 0) - 10_000;
    const { expiresAt } = await authority.issue(REQUEST);
    assert.ok(expiresAt <= (key?.notAfter ?? 0));
  });

  it('is on the ledger and on the audit record before anybody has it, without itself', async () => {
    const { authority, journal, kinds } = await open();
    const { token, id } = await authority.issue({ ...REQUEST, entryId: 'default/web' });
    assert.equal((await kinds('ledger')).at(-1), 'JWT_SVID_ISSUED');
    const entries = await journal.read({ stream: 'ledger', limit: 10, order: 'newest-first' });
    const audit = await journal.read({ stream: 'audit', limit: 10, order: 'newest-first' });
    assert.ok(entries[0]?.body.includes(id) && entries[0].body.includes('"requested_by":"ann"'));
    assert.ok(audit[0]?.body.includes('"entry":"default/web"') && audit[0].body.includes('192.0.2.7'));
    for (const { body } of [...entries, ...audit]) assert.ok(!body.includes(token.slice(-40)));
  });

  it('does not leave when it cannot be recorded', async () => {
    const fixture = await open();
    fixture.failJournal();
    await assert.rejects(fixture.authority.issue(REQUEST));
  });

  it('names the issuer where one is configured', async () => {
    const { authority } = await open({ issuer: 'https://id.example' });
    const { token } = await authority.issue(REQUEST);
    assert.match(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString(), /"iss":"https:\/\/id.example"/);
  });

  const refusals = [
    ['another trust domain', { spiffeId: SpiffeId.of('spiffe://example.org/web') }, /not of trust domain/],
    ['a trust domain alone', { spiffeId: SpiffeId.of('spiffe://cluster.local') }, /names a trust domain/],
    ['no audience', { audiences: [] }, /no audience/],
    ['an empty audience', { audiences: [''] }, /no audience/],
    [
      'an identity whose tokens are revoked until a later time',
      { issuedFrom: T0 + 61_000 },
      /yet to come; set the clock/,
    ],
    ['no life', { ttlMs: 999 }, /at least a second/],
    ['a life that is no number', { ttlMs: Number.NaN }, /at least a second/],
  ] as const;
  for (const [rule, change, message] of refusals) {
    it(`is refused for ${rule}, and the refusal is audited`, async () => {
      const { authority, kinds } = await open();
      await assert.rejects(authority.issue({ ...REQUEST, ...change }), { code: 'INVALID_ARGUMENT', message });
      assert.equal((await kinds('audit')).at(-1), 'JWT_SVID_DENIED');
      assert.ok(!(await kinds('ledger')).includes('JWT_SVID_ISSUED'));
    });
  }
});

describe('the keys of JWT-SVIDs', () => {
  it('are there again after a restart', async () => {
    const { authority, options } = await open();
    const again = await openJwtAuthority(options);
    assert.deepEqual(again.authorities(), authority.authorities());
    assert.equal(again.signingKeyId(), authority.signingKeyId());
    assert.equal(again.sequence, authority.sequence);
  });

  it('rotate with overlap: published long before they sign, and until their last token has ended', async () => {
    const { authority, clock, verify, kinds } = await open();
    const first = authority.signingKeyId();
    const changes: number[] = [];
    authority.onChanged(() => changes.push(authority.sequence));
    clock.time = T0 + 3.5 * DAY - 1000;
    await authority.keepCurrent();
    assert.equal(authority.authorities().length, 1);
    clock.time = T0 + 3.5 * DAY;
    assert.equal((await authority.keepCurrent()) > clock.time, true);
    assert.equal(authority.authorities().length, 2);
    assert.equal(authority.signingKeyId(), first, 'prepared, not in use');
    clock.time = T0 + 7 * DAY - (7 * DAY) / 6 - 1;
    const { token } = await authority.issue({ ...REQUEST, ttlMs: 3_600_000 });
    clock.time += 1;
    assert.notEqual(authority.signingKeyId(), first, 'in use in the last sixth');
    clock.time += 3_598_000;
    assert.equal(await verify(token), WEB.toString());
    const due = await authority.keepCurrent();
    assert.equal(authority.authorities().length, 2, 'the old key is there until its last token has ended');
    clock.time = due;
    await authority.keepCurrent();
    assert.deepEqual(
      authority.authorities().map(({ keyId }) => keyId),
      [authority.signingKeyId()],
    );
    assert.deepEqual(changes, [2, 3]);
    assert.deepEqual(
      (await kinds('ledger')).filter((kind) => kind.startsWith('JWT_KEY')),
      ['JWT_KEY_PREPARED', 'JWT_KEY_PREPARED', 'JWT_KEY_RETIRED'],
    );
  });

  it('are always at hand, whenever somebody looks, over two years', async () => {
    const { authority, clock, verify } = await open();
    let previous = authority.authorities().map(({ keyId }) => keyId);
    for (let step = 0; step < 800; step += 1) {
      const due = await authority.keepCurrent();
      assert.ok(due >= clock.time);
      const { token, keyId } = await authority.issue(REQUEST);
      assert.equal(await verify(token), WEB.toString());
      assert.ok(previous.includes(keyId), 'a key that signs was published a step before');
      previous = authority.authorities().map((key) => key.keyId);
      assert.ok(previous.length <= 2);
      clock.time += 22 * 3_600_000;
    }
  });

  it('are made anew after an absence longer than their life', async () => {
    const { authority, clock, verify } = await open();
    const first = authority.signingKeyId();
    clock.time += 30 * DAY;
    const { token, keyId } = await authority.issue(REQUEST);
    assert.notEqual(keyId, first);
    assert.equal(await verify(token), WEB.toString());
    assert.equal(authority.authorities().length, 1);
  });

  it('rotate on request, once the new one has been published for five refresh hints', async () => {
    const { authority, clock } = await open();
    const next = await authority.rotate(ANN);
    assert.deepEqual(await authority.rotate(ANN), next, 'once, however often it is asked for');
    assert.notEqual(authority.signingKeyId(), next.keyId);
    assert.equal(authority.authorities().length, 2);
    clock.time += 25 * 60_000;
    assert.equal(authority.signingKeyId(), next.keyId);
  });

  it('are few in the bundle, however often they rotate', async () => {
    const { authority, clock } = await open();
    for (let round = 0; round < 100; round += 1) {
      await authority.rotate(ANN);
      clock.time += 26 * 60_000;
      await authority.keepCurrent();
      assert.ok(authority.authorities().length <= 4);
    }
  });

  it('change to the algorithm that is asked for with overlap, like any other rotation', async () => {
    const { authority, options, clock, verify } = await open();
    const before = await authority.issue(REQUEST);
    const again = await openJwtAuthority({ ...options, algorithm: 'RS256' });
    assert.deepEqual(
      again.authorities().map(({ jwk }) => algorithmOf(jwk)),
      ['ES256', 'RS256'],
    );
    assert.equal(again.signingKeyId(), before.keyId, 'published first');
    await again.keepCurrent();
    assert.equal(again.authorities().length, 2, 'asked for once');
    clock.time += 25 * 60_000;
    const { token } = await again.issue(REQUEST);
    assert.match(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString(), /"alg":"RS256"/);
    const verified = await verifyJwtSvid(token, {
      bundles: () => again.authorities(),
      audience: 'orders',
      now: clock.time,
    });
    assert.ok(verified.ok);
    assert.equal((await openJwtAuthority(options)).authorities().length, 2, 'a restart without a word changes nothing');
    const back = await openJwtAuthority({ ...options, algorithm: 'ES256' });
    assert.equal(back.authorities().length, 3);
    assert.equal(await verify((await authority.issue(REQUEST)).token), WEB.toString());
  });

  it('are of the algorithm that is asked for from the first on', async () => {
    const { authority } = await open({ algorithm: 'RS256' });
    assert.deepEqual(
      authority.authorities().map(({ jwk }) => jwk.kty),
      ['RSA'],
    );
    assert.match(authority.signingKeyId(), /^[\w-]{43}$/);
  });

  it('are revoked at once, with every token they signed; another signs from there on', async () => {
    const { authority, verify, kinds } = await open();
    const before = await authority.issue(REQUEST);
    assert.equal(await authority.revoke(before.keyId, ANN), true);
    assert.equal(await verify(before.token), 'UNKNOWN_KEY');
    assert.equal(await verify((await authority.issue(REQUEST)).token), WEB.toString());
    assert.equal(await authority.revoke(before.keyId, ANN), false);
    assert.equal(await authority.revoke('nobody', ANN), false);
    assert.ok((await kinds('audit')).includes('JWT_KEY_REVOKED'));
  });

  it('stay revoked after a restart, and the sequence never goes back', async () => {
    const { authority, options } = await open();
    const first = authority.signingKeyId();
    await authority.revoke(first, ANN);
    const again = await openJwtAuthority(options);
    assert.ok(!again.authorities().some(({ keyId }) => keyId === first));
    assert.equal(again.sequence, 3);
  });

  it('are never replaced in silence when the key store lost one', async () => {
    const { options } = await open();
    await assert.rejects(openJwtAuthority({ ...options, keys: new MemoryKeyStore() }), { code: 'KEY_UNREADABLE' });
  });

  it('have lives that can be', async () => {
    await assert.rejects(open({ lifetimes: { svidMs: 7_200_000 } }), { code: 'INVALID_ARGUMENT' });
    await assert.rejects(open({ lifetimes: { keyMs: 3_600_000 } }), { code: 'INVALID_ARGUMENT' });
    await assert.rejects(open({ lifetimes: { keyMs: Number.NaN } }), { code: 'INVALID_ARGUMENT' });
  });
});
