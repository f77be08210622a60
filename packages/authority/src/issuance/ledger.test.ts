import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JournalEntry } from '@rampart/journal';
import { ANN, attest, csr, DAY, openFixture, ORDERS_ID, publicKey, read, T0 } from '../fixture.ts';

type Fields = Readonly<Record<string, unknown>>;

describe('the ledger', () => {
  it('says of an issuance who asked on which evidence, when, for how long, which CA and for whom', async () => {
    const { authority, ledger } = await openFixture();
    const { chain, serial } = await attest(authority);
    const leaf = read(chain[0]);
    const entry = fields((await ledger()).at(-1));
    assert.deepEqual(
      { ...entry, certificate_sha256: '', public_key_sha256: '', issuer: '' },
      {
        event_type: 'CERTIFICATE_ISSUED',
        sequence: entry['sequence'],
        timestamp: '2026-01-20T10:30:00.123Z',
        registry_node: 'rampart',
        serial,
        kind: 'workload',
        spiffe_id: ORDERS_ID.toString(),
        requested_by: ORDERS_ID.toString(),
        reason: 'attested',
        entry: '',
        attestation: { evidence: 'join_token', attestor: '', selectors: [] },
        issuer: '',
        issuer_key_id: Buffer.from(leaf.authorityKeyId ?? []).toString('hex'),
        issued_at: T0,
        not_before: leaf.notBefore,
        not_after: leaf.notAfter,
        certificate_sha256: '',
        public_key_sha256: '',
      },
    );
    assert.match(String(entry['issuer']), /\S/);
    assert.match(
      `${String(entry['certificate_sha256'])} ${String(entry['public_key_sha256'])}`,
      /^[0-9a-f]{64} [0-9a-f]{64}$/,
    );
  });

  it('says of the control plane that it asked for its own certificates', async () => {
    const { authority, ledger } = await openFixture();
    await authority.issueServerCertificate(publicKey(), { spiffeId: ORDERS_ID, dnsNames: [], ipAddresses: [] });
    for (const entry of await ledger()) assert.equal(fields(entry)['requested_by'], 'control-plane');
  });

  it('says of the control plane which of its own certificates took the place of which', async () => {
    const { authority, ledger } = await openFixture();
    const server = { spiffeId: ORDERS_ID, dnsNames: [], ipAddresses: [] };
    const { serial } = await authority.issueServerCertificate(publicKey(), server);
    await authority.issueServerCertificate(publicKey(), { ...server, replaces: serial });
    const [first = {}, next = {}] = (await ledger()).slice(-2).map(fields);
    assert.deepEqual([first['old_serial'], next['old_serial'], next['rotation']], [undefined, serial, 'emergency']);
  });

  for (const { share = 0.5, age, reason } of [
    { age: DAY / 2, reason: 'scheduled' },
    { age: 0.45 * DAY, reason: 'scheduled' },
    { age: 0.4 * DAY, reason: 'emergency' },
    { age: 0, reason: 'emergency' },
    { age: -DAY, reason: 'emergency' },
    { share: 0.75, age: 0.725 * DAY, reason: 'scheduled' },
    { share: 0.75, age: 0.7 * DAY, reason: 'emergency' },
    { share: 0.25, age: 0.225 * DAY, reason: 'scheduled' },
    { share: 0.25, age: 0.2 * DAY, reason: 'emergency' },
  ] as const) {
    it(`says of a rotation after ${age / DAY} days, at ${share} of a life, which certificate took whose place, when, and that it was ${reason}`, async () => {
      const { authority, clock, ledger } = await openFixture({ lifetimes: { renewalShare: share } });
      clock.time += 2 * DAY;
      const { serial } = await attest(authority);
      clock.time += age;
      const renewed = await authority.renew(ORDERS_ID, serial, { csr: csr(), sourceIp: '10.0.0.1' });
      assert.ok(renewed.ok);
      const entry = fields((await ledger()).at(-1));
      const said = ['event_type', 'serial', 'old_serial', 'rotation', 'spiffe_id', 'requested_by', 'issued_at'];
      assert.deepEqual(
        said.map((field) => entry[field]),
        [
          'CERTIFICATE_ISSUED',
          renewed.value.serial,
          serial,
          reason,
          ORDERS_ID.toString(),
          ORDERS_ID.toString(),
          T0 + 2 * DAY + age,
        ],
      );
    });
  }

  it('says of a revocation which certificate, when, why, and who asked', async () => {
    const { authority, clock, ledger } = await openFixture();
    const { serial } = await attest(authority);
    clock.time += 1000;
    await authority.revoke(serial, 'laptop stolen', ANN);
    const last = fields((await ledger()).at(-1));
    const { timestamp: _, registry_node: __, sequence: ___, revocation: id, ...revocation } = last;
    assert.match(String(id), /^[0-9a-f-]{36}$/);
    assert.deepEqual(revocation, {
      event_type: 'CERTIFICATE_REVOKED',
      serial,
      kind: 'workload',
      spiffe_id: ORDERS_ID.toString(),
      reason: 'laptop stolen',
      requested_by: 'ann',
      revoked_at: T0 + 1000,
    });
  });

  it('has what belongs together in one batch: all of it is durable, or nothing', async () => {
    const { authority, journalStore, ledger } = await openFixture();
    const { serial } = await attest(authority);
    const sizes: number[] = [];
    const append = journalStore.append.bind(journalStore);
    journalStore.append = (batch) => {
      sizes.push(batch.entries.length);
      return append(batch);
    };
    const before = (await ledger()).length;
    await authority.renew(ORDERS_ID, serial, { csr: csr(), sourceIp: '10.0.0.1' });
    assert.deepEqual([(await ledger()).length - before, sizes], [1, [2]]);
  });
});

function fields(entry: JournalEntry | undefined): Fields {
  return JSON.parse(entry?.body ?? '{}') as Fields;
}
