import assert from 'node:assert/strict';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createCsr, generateKeyPair, parseCertificate } from '@rampart/spiffe';
import type { ControlPlane } from '../control-plane.ts';
import { FakeDataPlane } from '../testing/fake-data-plane.ts';
import { TestPlanes, until } from '../testing/test-plane.ts';
import {
  type ApiClient,
  attest,
  type AttestedWorkload,
  connectAsAdmin,
  connectTo,
} from '../testing/workload-client.ts';

const ORDERS = { namespace: 'default', serviceAccount: 'orders' };
const ORDERS_ID = 'spiffe://cluster.local/ns/default/sa/orders';
const SHOP = { namespace: 'default', serviceAccount: 'shop', service: 'shop' };
const OTHER = { namespace: 'shop', serviceAccount: 'other' };

function serialOf({ response }: AttestedWorkload): string {
  const leaf = parseCertificate(response.chain[0] ?? new Uint8Array());
  assert.ok(leaf.ok);
  return leaf.value.serial;
}

describe('revocation', () => {
  const planes = new TestPlanes();
  let plane: ControlPlane;

  const admin = (): ApiClient => planes.keep(connectAsAdmin(plane));

  function listen(workload: AttestedWorkload, id: string): FakeDataPlane {
    return new FakeDataPlane(planes.keep(connectTo(plane, { credentials: workload.credentials }))).connect({ id });
  }

  function renew(workload: AttestedWorkload): Promise<unknown> {
    const client = planes.keep(connectTo(plane, { credentials: workload.credentials }));
    return client.identity.renew({ csr: createCsr(generateKeyPair()) });
  }

  async function auditTypes(): Promise<string[]> {
    const { records } = await admin().admin.queryAudit({ limit: 200 });
    return records.map((record) => (JSON.parse(record) as { event_type: string }).event_type);
  }

  beforeEach(async () => {
    await planes.open();
    plane = await planes.start();
  });

  afterEach(() => planes.close());

  it('of an identity hits all it has, in one rule, and a new attestation gets past it at once', async () => {
    const [first, second, other] = [
      await attest(plane, ORDERS),
      await attest(plane, ORDERS),
      await attest(plane, OTHER),
    ];
    const hit = [listen(first, 'a'), listen(second, 'b')];
    const spared = listen(other, 'c');
    await until('all to be connected', () => [...hit, spared].every(({ revision }) => revision > 0));
    const preview = await admin().revocation.revoke({ spiffeId: ORDERS_ID, dryRun: true });
    assert.deepEqual(
      [preview.certificates, preview.dataPlanes.map(({ dataPlaneId }) => dataPlaneId).sort(), preview.id],
      [2, ['a', 'b'], ''],
    );
    assert.ok(hit.every(({ ended }) => !ended));
    const done = await admin().revocation.revoke({ spiffeId: ORDERS_ID, reason: 'keyCompromise', note: 'stolen' });
    assert.deepEqual([done.certificates, done.dataPlanes.length], [2, 2]);
    const again = await attest(plane, ORDERS);
    await until('the streams to be cut', () => hit.every(({ ended }) => ended));
    await until('the rule to be told', () => spared.rules.has(done.id));
    assert.deepEqual([spared.revoked.size, spared.ended], [0, false]);
    await assert.rejects(renew(first), /every certificate of .*orders issued until .* is revoked \(keyCompromise\)/);
    await renew(again);
    const { certificates } = await admin().admin.listCertificates({ spiffeId: ORDERS_ID });
    const revoked = certificates.filter(({ revokedAt }) => revokedAt !== 0n);
    assert.deepEqual(
      revoked.map(({ revocationReason }) => revocationReason),
      ['keyCompromise: stolen', 'keyCompromise: stolen'],
    );
    const late = listen(again, 'd');
    await until('whoever comes later to be told', () => late.rules.has(done.id));
  });

  it('of an identity with a bar lets nobody attest as it until that is lifted', async () => {
    await attest(plane, ORDERS);
    await admin().revocation.revoke({ spiffeId: ORDERS_ID, bar: true });
    await assert.rejects(attest(plane, ORDERS), /orders is barred/);
    await attest(plane, OTHER);
    assert.deepEqual((await admin().revocation.listRevocations({})).barred, [ORDERS_ID]);
    assert.equal((await admin().revocation.liftBar({ spiffeId: ORDERS_ID })).lifted, true);
    assert.equal((await admin().revocation.liftBar({ spiffeId: ORDERS_ID })).lifted, false);
    await renew(await attest(plane, ORDERS));
    const types = await auditTypes();
    for (const type of ['IDENTITY_BARRED', 'ISSUANCE_DENIED', 'BAR_LIFTED']) assert.ok(types.includes(type), type);
  });

  it('of what was issued before a time can be about one namespace, and about one authority', async () => {
    const [orders, other] = [await attest(plane, ORDERS), await attest(plane, OTHER)];
    const before = { issuedBefore: BigInt(Date.now()) };
    const { certificates } = await admin().revocation.revoke({ ...before, namespace: 'shop' });
    assert.equal(certificates, 1);
    await assert.rejects(renew(other), /of namespace shop issued until/);
    await renew(orders);
    const { certificates: all } = await admin().admin.listCertificates({ limit: 100 });
    const issuer = all.find(({ kind }) => kind === 'intermediate')?.serial ?? '';
    await admin().revocation.revoke({ ...before, issuer });
    await assert.rejects(renew(orders), /signed with key [0-9a-f]+ issued until/);
    await renew(await attest(plane, ORDERS));
  });

  it('of everything does not shut the control plane itself out', async () => {
    const orders = await attest(plane, ORDERS);
    await admin().revocation.revoke({ issuedBefore: BigInt(Date.now()) });
    await assert.rejects(renew(orders), /revoked/);
    await renew(await attest(plane, ORDERS));
    await until('the control plane to have a new certificate', async () => {
      const { certificates } = await admin().admin.listCertificates({ limit: 100 });
      return certificates.filter(({ kind, revokedAt }) => kind === 'server' && revokedAt === 0n).length === 1;
    });
    const spiffeId = 'spiffe://cluster.local/ns/istio-system/sa/rampart-server';
    const { entries } = await admin().ledger.listIdentityHistory({ spiffeId });
    const told = entries.map(({ kind, body }) => [kind, (JSON.parse(body) as { rotation?: string }).rotation]);
    const [issued, revoked] = ['CERTIFICATE_ISSUED', 'CERTIFICATES_REVOKED'];
    assert.deepEqual(told, [
      [issued, undefined],
      [revoked, undefined],
      [issued, 'emergency'],
    ]);
  });

  it('is about the JWT-SVIDs of an identity, and a bar about new ones', async () => {
    const { trust, revocation } = admin();
    const asked = { spiffeId: ORDERS_ID, audiences: ['api'] };
    const { token } = await trust.mintJwtSvid(asked);
    assert.equal((await trust.validateJwtSvid({ token, audience: 'api' })).problem, '');
    await revocation.revoke({ spiffeId: ORDERS_ID, bar: true });
    const judged = await trust.validateJwtSvid({ token, audience: 'api' });
    assert.deepEqual([judged.problem, judged.spiffeId], ['REVOKED', '']);
    await assert.rejects(trust.mintJwtSvid(asked), /is barred/);
    const other = await trust.mintJwtSvid({ ...asked, spiffeId: 'spiffe://cluster.local/ns/shop/sa/other' });
    assert.equal((await trust.validateJwtSvid({ token: other.token, audience: 'api' })).problem, '');
  });

  it('is not about the JWT-SVIDs that an identity gets afterwards, in the same second neither', async () => {
    const { trust, revocation } = admin();
    const asked = { spiffeId: ORDERS_ID, audiences: ['api'] };
    const { token: before } = await trust.mintJwtSvid(asked);
    await revocation.revoke({ spiffeId: ORDERS_ID });
    const { token: after } = await trust.mintJwtSvid(asked);
    const problemOf = async (token: string): Promise<string> =>
      (await trust.validateJwtSvid({ token, audience: 'api' })).problem;
    assert.deepEqual([await problemOf(before), await problemOf(after)], ['REVOKED', '']);
  });

  it('of several serials is all or nothing', async () => {
    const orders = await attest(plane, ORDERS);
    const serial = serialOf(orders);
    await assert.rejects(admin().revocation.revoke({ serials: [serial, 'abcdef'] }), /abcdef.*nothing was revoked/);
    await renew(orders);
    const { certificates } = await admin().revocation.revoke({ serials: [serial], reason: 'superseded' });
    assert.equal(certificates, 1);
    await assert.rejects(renew(orders), /is revoked \(superseded\)/);
    await assert.rejects(admin().revocation.revoke({ serials: [serial] }), /can still be revoked/);
  });

  it('of a serial takes away what was registered with it, and nothing else', async () => {
    const [first, second] = [await attest(plane, SHOP), await attest(plane, SHOP)];
    const register = (by: AttestedWorkload, instanceId: string): Promise<unknown> => {
      const instance = {
        service: 'shop',
        namespace: 'default',
        instanceId,
        host: '10.0.0.1',
        port: 80,
        permanent: true,
      };
      return planes.keep(connectTo(plane, { credentials: by.credentials })).registry.register({ instance });
    };
    const registered = async (): Promise<string> => {
      const { instances } = await admin().registry.find({ service: 'shop', namespace: 'default' });
      return instances.map(({ instanceId }) => instanceId).join(' ');
    };
    for (const instanceId of ['moved', 'stolen']) await register(first, instanceId);
    await register(second, 'other');
    await register(second, 'moved');
    await admin().revocation.revoke({ serials: [serialOf(first)] });
    await until('it to be gone', async () => (await registered()) === 'moved other');
    await assert.rejects(register(first, 'stolen'), /Invalid certificate/);
    await plane.stop();
    plane = await planes.start();
    assert.equal(await registered(), 'moved other');
    const { revocation } = admin();
    await revocation.revoke({ serials: [serialOf(second)] });
    await until('the rest to be gone, too', async () => (await registered()) === '');
  });

  it('of what an authority signed takes away what was registered with it', async () => {
    const workload = await attest(plane, SHOP);
    const instance = {
      service: 'shop',
      namespace: 'default',
      instanceId: 'a',
      host: '10.0.0.1',
      port: 80,
      permanent: true,
    };
    await planes.keep(connectTo(plane, { credentials: workload.credentials })).registry.register({ instance });
    const { certificates } = await admin().admin.listCertificates({ limit: 100 });
    const issuer = certificates.find(({ kind }) => kind === 'intermediate')?.serial ?? '';
    await admin().revocation.revoke({ issuedBefore: BigInt(Date.now()), issuer });
    await until('it to be gone', async () => {
      const { instances } = await admin().registry.find({ service: 'shop', namespace: 'default' });
      return instances.length === 0;
    });
  });

  const WRONG: readonly [what: string, request: object, problem: RegExp][] = [
    ['nothing', {}, /exactly one of the three/],
    ['two things', { serials: ['01'], spiffeId: ORDERS_ID }, /exactly one of the three/],
    [
      'an unknown reason',
      { spiffeId: ORDERS_ID, reason: 'stolen' },
      /RFC 5280 §5.3.1 knows unspecified, keyCompromise/,
    ],
    ['a bar without an identity', { serials: ['01'], bar: true }, /only an identity can be barred/],
    ['a namespace without a time', { spiffeId: ORDERS_ID, namespace: 'shop' }, /narrow a time/],
    ['another trust domain', { spiffeId: 'spiffe://other.example/x' }, /its own authority revokes it/],
    ['a trust domain', { spiffeId: 'spiffe://cluster.local' }, /names a trust domain/],
    ['a time to come', { issuedBefore: BigInt(Date.now() + 3_600_000) }, /lies in the future/],
    ['an unknown authority', { issuedBefore: 1n, issuer: 'abc' }, /no intermediate has the serial abc/],
  ];
  for (const [what, request, problem] of WRONG) {
    it(`of ${what} is refused`, () => assert.rejects(admin().revocation.revoke(request), problem));
  }

  describe('after an old copy of the database was put back', () => {
    const database = (): string => join(planes.dataDirectory, 'rampart.db');
    const copy = (): string => join(planes.dataDirectory, '..', 'old.db');

    async function restart(): Promise<void> {
      planes.closeClients();
      await plane.stop();
    }

    it('still stands, for data planes too, and is on record again', async () => {
      const [orders, other] = [await attest(plane, ORDERS), await attest(plane, OTHER)];
      await restart();
      await cp(database(), copy());
      plane = await planes.start();
      const { id } = await admin().revocation.revoke({ spiffeId: ORDERS_ID, bar: true });
      const witness = await attest(plane, { namespace: 'shop', serviceAccount: 'witness' });
      await admin().revocation.revoke({ serials: [serialOf(witness)] });
      const stolen = (await admin().trust.listJwtKeys({})).keys.find(({ state }) => state === 'active')?.keyId ?? '';
      const { token } = await admin().trust.mintJwtSvid({ spiffeId: `${ORDERS_ID}2`, audiences: ['api'] });
      await admin().trust.revokeJwtKey({ keyId: stolen });
      await restart();
      for (const rest of ['-wal', '-shm']) await rm(`${database()}${rest}`, { force: true });
      await cp(copy(), database());
      plane = await planes.start();
      await assert.rejects(renew(orders), /is revoked/);
      await assert.rejects(attest(plane, ORDERS), /is barred/);
      await assert.rejects(renew(witness), /is revoked/);
      assert.notEqual((await admin().trust.validateJwtSvid({ token, audience: 'api' })).problem, '');
      assert.ok(
        (await admin().trust.listJwtKeys({})).keys.some(({ keyId, state }) => keyId === stolen && state === 'retired'),
      );
      const listener = listen(other, 'a');
      await until('the rule to be told', () => listener.rules.has(id));
      assert.ok(listener.revoked.has(serialOf(witness)));
      const held = listener.revision;
      listener.kill();
      const resumed = new FakeDataPlane(planes.keep(connectTo(plane, { credentials: other.credentials })));
      resumed.connect({ id: 'a', revision: held });
      await until('whoever resumes to be told too', () => resumed.rules.has(id));
      assert.equal(resumed.received[0]?.reset, false);
      assert.equal((await auditTypes()).filter((type) => type === 'REVOCATION_RESTORED').length, 3);
      // What was signed meanwhile is not forgotten either.
      const gone = /signed before, says .*journal\.checkpoint; .* put back on purpose/;
      await assert.rejects(admin().ledger.getCheckpoint({ fresh: true }), gone);
      await until('a record of it', async () => (await auditTypes()).includes('JOURNAL_INCONSISTENT'));
      await rm(join(planes.dataDirectory, 'journal.checkpoint'));
      await admin().ledger.getCheckpoint({ fresh: true });
      const { certificates } = await admin().admin.listCertificates({ spiffeId: ORDERS_ID });
      assert.ok(certificates.every(({ revokedAt }) => revokedAt !== 0n));
      await restart();
      plane = await planes.start();
      assert.equal((await auditTypes()).filter((type) => type === 'REVOCATION_RESTORED').length, 3);
    });

    it('without the revocation file nothing starts', async () => {
      await restart();
      await rm(join(planes.dataDirectory, 'revocations.log'));
      await assert.rejects(planes.start(), { code: 'DATA_DIRECTORY_UNREADABLE' });
      for (const name of ['key', 'head']) await rm(join(planes.dataDirectory, 'keys', `revocations.${name}`));
      await assert.rejects(planes.start(), /is missing: .* start once with --begin-revocation-file/);
      const forgetful = new DatabaseSync(database());
      assert.equal(forgetful.exec("DELETE FROM counters WHERE name = 'revocation_file'"), undefined);
      forgetful.close();
      await assert.rejects(planes.start(), /is missing/, 'the last checkpoint remembers it');
      plane = await planes.start({ beginRevocationFile: true });
      assert.ok((await auditTypes()).includes('REVOCATION_FILE_BEGUN'));
    });

    it('the file may be kept elsewhere', async () => {
      await restart();
      await rm(planes.dataDirectory, { recursive: true });
      const revocationFile = join(planes.dataDirectory, '..', 'apart', 'revocations.log');
      plane = await planes.start({ revocationFile });
      const orders = await attest(plane, ORDERS);
      await admin().revocation.revoke({ spiffeId: ORDERS_ID });
      await restart();
      plane = await planes.start({ revocationFile });
      await assert.rejects(renew(orders), /is revoked/);
    });
  });
});
