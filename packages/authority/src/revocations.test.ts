import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ANN, attest, DAY, openFixture, ORDERS_ID, T0 } from './fixture.ts';

describe('revocation', () => {
  it('is durable, in the ledger, audited, and told to listeners', async () => {
    const { authority, reopen, audit, ledger } = await openFixture();
    const { serial } = await attest(authority);
    const told: string[] = [];
    const stop = authority.onRevoked((revoked) => told.push(revoked));
    assert.equal(await authority.revoke(serial.toUpperCase(), 'key lost', ANN), true);
    assert.deepEqual([authority.isRevoked(serial), authority.revokedSerials(), told], [true, [serial], [serial]]);
    const restarted = await reopen();
    assert.deepEqual([restarted.isRevoked(serial), restarted.revokedSerials()], [true, [serial]]);
    const [record] = await audit();
    assert.deepEqual(
      [record?.event_type, record?.identity, record?.source_ip, record?.details],
      ['CERTIFICATE_REVOKED', 'ann', '192.0.2.7', { serial, spiffe_id: ORDERS_ID.toString(), reason: 'key lost' }],
    );
    assert.equal((await ledger()).at(-1)?.kind, 'CERTIFICATE_REVOKED');
    assert.deepEqual((await authority.list())[0]?.revocation, { at: T0, reason: 'key lost', by: 'ann' });
    stop();
    await authority.revoke((await attest(authority)).serial, '', ANN);
    assert.equal(told.length, 1);
  });

  it('happens once, however often it is asked for', async () => {
    const { authority, ledger } = await openFixture();
    const { serial } = await attest(authority);
    const outcomes = await Promise.all([1, 2, 3].map(() => authority.revoke(serial, '', ANN)));
    assert.deepEqual(outcomes, [true, false, false]);
    assert.equal((await ledger()).filter(({ kind }) => kind === 'CERTIFICATE_REVOKED').length, 1);
  });

  it('of an unknown serial says no', async () => {
    const { authority } = await openFixture();
    assert.equal(await authority.revoke('not a serial', '', ANN), false);
  });

  it('of the hierarchy itself is refused', async () => {
    const { authority, store } = await openFixture();
    for (const { serial } of await store.caCertificates()) {
      await assert.rejects(authority.revoke(serial, '', ANN), { code: 'INVALID_ARGUMENT' });
      assert.equal(authority.isRevoked(serial), false);
    }
  });

  it('reaches every listener though one fails', async () => {
    const { authority } = await openFixture();
    const { serial } = await attest(authority);
    const told: string[] = [];
    authority.onRevoked(() => {
      throw new Error('listener');
    });
    authority.onRevoked((revoked) => told.push(revoked));
    await assert.rejects(authority.revoke(serial, '', ANN), AggregateError);
    assert.deepEqual([told, authority.isRevoked(serial)], [[serial], true]);
  });

  it('is no longer listed when the certificate ended while the clock stood a day behind', async () => {
    const { authority, clock } = await openFixture();
    const { serial } = await attest(authority);
    await authority.revoke(serial, '', ANN);
    for (let day = 1; day <= 2; day += 1) {
      clock.time += DAY + 1;
      await attest(authority);
      assert.equal(authority.isRevoked(serial), day < 2, `after ${day} days`);
    }
    assert.deepEqual(authority.revokedSerials(), []);
  });

  for (const { when, restarts } of [
    { when: '', restarts: false },
    { when: ' and a restart in between', restarts: true },
  ]) {
    it(`holds after a clock that jumped ahead and back${when}`, async () => {
      const { authority, clock, reopen } = await openFixture();
      const { serial } = await attest(authority);
      await authority.revoke(serial, '', ANN);
      clock.time += 40 * DAY;
      const ahead = restarts ? await reopen() : authority;
      await attest(ahead);
      assert.deepEqual(ahead.revokedSerials(), [serial], 'who connects then is told of it, too');
      clock.time -= 40 * DAY;
      assert.equal(ahead.isRevoked(serial), true);
      assert.equal((await reopen()).isRevoked(serial), true);
    });
  }
});
