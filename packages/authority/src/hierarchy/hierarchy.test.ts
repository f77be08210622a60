import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RampartError, TrustDomain } from '@rampart/core';
import type { KeyStore } from '@rampart/keyring';
import { verifyChain } from '@rampart/spiffe';
import { attest, DAY, openFixture, ORDERS_ID, read, T0 } from '../fixture.ts';
import { createMemoryAuthorityStore } from '../memory-store.ts';

describe('the hierarchy', () => {
  it('is root, intermediate, leaf; each in the ledger', async () => {
    const { authority, ledger } = await openFixture();
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
    const { authority, reopen } = await openFixture();
    const svid = await attest(authority);
    const restarted = await reopen();
    assert.deepEqual(restarted.bundle(), authority.bundle());
    const next = await attest(restarted);
    assert.deepEqual(next.chain[1], svid.chain[1]);
    assert.equal(verifyChain(next.chain, authority.bundle().roots, T0).ok, true);
  });

  it('is completed when the first opening ended after the root', async () => {
    const { store, reopen } = await openFixture();
    const [root] = await store.caCertificates();
    assert.ok(root);
    const half = createMemoryAuthorityStore();
    await half.changeHierarchy({ added: [root] });
    const authority = await reopen({ store: half });
    assert.deepEqual(authority.bundle().roots, [root.der]);
    assert.equal(verifyChain((await attest(authority)).chain, [root.der], T0).ok, true);
  });

  for (const { kind } of [{ kind: 'root' }, { kind: 'intermediate' }]) {
    it(`is refused when the key of the ${kind} is missing`, async () => {
      const { keys, reopen } = await openFixture();
      const lost: KeyStore = {
        create: (name) => keys.create(name),
        open: async (name) => (name.startsWith(kind) ? undefined : keys.open(name)),
      };
      await assert.rejects(reopen({ keys: lost }), {
        code: 'KEY_UNREADABLE',
        message: new RegExp(`private key "${kind}-[0-9a-f]+" of the ${kind} certificate .* is missing; restore`),
      });
    });

    it(`is refused when the key of the ${kind} is another one`, async () => {
      const { keys, reopen } = await openFixture();
      const stranger = await keys.create('stranger');
      const wrong: KeyStore = {
        create: (name) => keys.create(name),
        open: async (name) => (name.startsWith(kind) ? stranger : keys.open(name)),
      };
      await assert.rejects(reopen({ keys: wrong }), { code: 'KEY_UNREADABLE', message: /does not belong to/ });
    });
  }

  it('of another trust domain is refused', async () => {
    const { reopen } = await openFixture();
    await assert.rejects(reopen({ trustDomain: TrustDomain.of('example.org') }), {
      code: 'INVALID_ARGUMENT',
      message: /is of trust domain cluster\.local, not example\.org/,
    });
  });

  it('whose roots have all ended is refused, not replaced', async () => {
    const { clock, reopen, store } = await openFixture();
    clock.time = T0 + 3651 * DAY;
    await assert.rejects(reopen(), { code: 'INVALID_CERTIFICATE' });
    assert.equal((await store.caCertificates()).length, 2);
  });

  it('gets its next intermediate when a week is left, once for all who ask', async () => {
    const { authority, clock, store } = await openFixture();
    const before = await attest(authority);
    clock.time = T0 + 359 * DAY;
    const { hierarchy } = authority;
    await Promise.all([hierarchy.tend(), hierarchy.tend()]);
    const [one, two] = await Promise.all([attest(authority), attest(authority)]);
    assert.notDeepEqual(one.chain[1], before.chain[1]);
    assert.deepEqual(one.chain[1], two.chain[1]);
    assert.equal((await store.caCertificates()).length, 3);
    assert.equal(verifyChain(one.chain, authority.bundle().roots, clock.time).ok, true);
  });

  it('goes on with the old intermediate, and says so, when the next one cannot be made yet', async () => {
    const { keys, clock, reopen, audit } = await openFixture();
    const full: KeyStore = {
      open: (name) => keys.open(name),
      create: () => Promise.reject(new RampartError('STORAGE_FAILED', 'disk full')),
    };
    const authority = await reopen({ keys: full });
    clock.time = T0 + 359 * DAY;
    await authority.hierarchy.tend();
    assert.equal(verifyChain((await attest(authority)).chain, authority.bundle().roots, clock.time).ok, true);
    assert.ok((await audit()).some(({ result, details }) => result === 'FAILURE' && details['reason'] === 'disk full'));
    clock.time = T0 + 366 * DAY;
    await assert.rejects(attest(authority), { code: 'STORAGE_FAILED' });
  });
});
