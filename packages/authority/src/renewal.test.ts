import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SpiffeId } from '@rampart/core';
import { verifyChain } from '@rampart/spiffe';
import { ANN, attest, csr, DAY, openFixture, ORDERS, ORDERS_ID, publicKey } from './fixture.ts';
import type { AuthorityFixture } from './fixture.ts';
import type { IssuedSvid } from './issuance/issuance.ts';
import { createMemoryAuthorityStore } from './memory-store.ts';
import type { AuthorityStore } from './store.ts';

describe('renewal', () => {
  it('gives the same workload a new certificate for a new key', async () => {
    const { authority, clock, audit, ledger } = await openFixture();
    const svid = await attest(authority);
    clock.time += DAY / 2;
    const renewed = await authority.renew(ORDERS_ID, svid.serial, { csr: csr(), sourceIp: '10.0.0.1' });
    assert.ok(renewed.ok);
    assert.notEqual(renewed.value.serial, svid.serial);
    assert.deepEqual(renewed.value.workload, ORDERS);
    assert.deepEqual(verifyChain(renewed.value.chain, authority.bundle().roots, clock.time), {
      ok: true,
      value: ORDERS_ID,
    });
    const [record] = await audit();
    assert.deepEqual(
      [record?.event_type, record?.details['previous_serial'], record?.details['serial']],
      ['CERTIFICATE_RENEWED', svid.serial, renewed.value.serial],
    );
    assert.match(
      (await ledger()).at(-1)?.body ?? '',
      /"reason":"renewal".*"requested_by":"spiffe:\/\/cluster\.local\/ns\/default\/sa\/orders"/,
    );
  });

  it('is told to listeners, as the first certificate is', async () => {
    const { authority } = await openFixture();
    const told: string[] = [];
    const stop = authority.onIssued(({ serial }) => told.push(serial));
    const first = await attest(authority);
    const second = await authority.renew(ORDERS_ID, first.serial, { csr: csr(), sourceIp: '' });
    assert.deepEqual(told, [first.serial, second.ok ? second.value.serial : '']);
    stop();
    await attest(authority);
    assert.equal(told.length, 2);
  });

  it('takes the serial as OpenSSL prints it', async () => {
    const { authority } = await openFixture();
    const { serial } = await attest(authority);
    const printed = (serial.toUpperCase().match(/../g) ?? []).join(':');
    assert.equal((await authority.renew(ORDERS_ID, printed, { csr: csr(), sourceIp: '' })).ok, true);
  });

  const refusals: readonly {
    rule: string;
    code: string;
    broken: string;
    with: (
      setUp: AuthorityFixture,
      svid: IssuedSvid,
    ) => Promise<{ peer?: SpiffeId; serial?: string; csr?: Uint8Array }>;
  }[] = [
    {
      rule: 'with a revoked certificate',
      code: 'CERTIFICATE_REVOKED',
      broken: 'renewal-revoked',
      with: async ({ authority }, { serial }) => {
        await authority.revoke(serial, 'lost', ANN);
        return {};
      },
    },
    {
      rule: 'with an ended certificate',
      code: 'PERMISSION_DENIED',
      broken: 'renewal-ended',
      with: async ({ clock }) => {
        clock.time += DAY;
        return {};
      },
    },
    {
      rule: 'with a serial nobody issued',
      code: 'PERMISSION_DENIED',
      broken: 'renewal-not-issued',
      with: async () => ({ serial: '77'.repeat(16) }),
    },
    {
      rule: "with another identity's certificate",
      code: 'PERMISSION_DENIED',
      broken: 'renewal-not-issued',
      with: async () => ({ peer: SpiffeId.of('spiffe://cluster.local/ns/default/sa/users') }),
    },
    {
      rule: 'with a server certificate',
      code: 'PERMISSION_DENIED',
      broken: 'renewal-not-issued',
      with: async ({ authority }) => ({
        serial: (
          await authority.issueServerCertificate(publicKey(), {
            spiffeId: ORDERS_ID,
            dnsNames: ['localhost'],
            ipAddresses: [],
          })
        ).serial,
      }),
    },
    {
      rule: 'with a bad request',
      code: 'INVALID_CSR',
      broken: 'csr-malformed',
      with: async () => ({ csr: Uint8Array.of(0x30, 0x00) }),
    },
  ];
  for (const { rule, code, broken, with: spoil } of refusals) {
    it(`${rule} is refused and audited`, async () => {
      const all = await openFixture();
      const svid = await attest(all.authority);
      const change = await spoil(all, svid);
      const request = { csr: change.csr ?? csr(), sourceIp: '10.0.0.9' };
      const refused = await all.authority.renew(change.peer ?? ORDERS_ID, change.serial ?? svid.serial, request);
      assert.equal(!refused.ok && refused.problem.code, code);
      assert.match(refused.ok ? '' : refused.problem.message, new RegExp(`refused by rule ${broken}: `));
      const [record] = await all.audit();
      assert.deepEqual(
        [record?.event_type, record?.result, record?.source_ip, record?.details['rule']],
        ['RENEWAL_DENIED', 'DENIED', '10.0.0.9', broken],
      );
    });
  }

  it('that races with a revocation gives nobody a usable certificate', async () => {
    const inner = createMemoryAuthorityStore();
    const reached = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const store: AuthorityStore = {
      ...inner,
      issued: (certificate) => {
        const companion = inner.issued(certificate);
        if (certificate.reason !== 'renewal') return companion;
        return {
          ...companion,
          store: async (rows, within) => {
            reached.resolve();
            await gate.promise;
            await companion.store(rows, within);
          },
        };
      },
    };
    const { authority } = await openFixture({ store });
    const svid = await attest(authority);
    const renewal = authority.renew(ORDERS_ID, svid.serial, { csr: csr(), sourceIp: '' });
    await reached.promise;
    await authority.revoke(svid.serial, 'stolen', ANN);
    gate.resolve();
    const refused = await renewal;
    assert.equal(!refused.ok && refused.problem.code, 'CERTIFICATE_REVOKED');
    assert.equal(authority.revokedSerials().length, 2);
  });
});
