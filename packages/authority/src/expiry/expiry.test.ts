import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AuditRecord } from '@rampart/journal';
import type { AuthorityFixture } from '../fixture.ts';
import { attest, csr, DAY, openFixture, ORDERS_ID } from '../fixture.ts';
import type { ExpiryWatch, UsedCertificate } from './expiry-watch.ts';
import type { LifetimeOptions } from '../issuance/lifetimes.ts';
import { dueWarning, lateAt } from './expiry.ts';

const LEGACY = { profile: 'observatory' } as const;

describe('the warning about the end of a certificate', () => {
  for (const { life, left, days } of [
    { life: 90, left: 61, days: undefined },
    { life: 90, left: 60, days: 60 },
    { life: 90, left: 31, days: 60 },
    { life: 90, left: 30, days: 30 },
    { life: 90, left: 8, days: 30 },
    { life: 90, left: 7, days: 7 },
    { life: 90, left: 0.1, days: 7 },
    { life: 90, left: 0, days: undefined },
    { life: 90, left: 91, days: undefined },
    { life: 365, left: 60, days: 60 },
    { life: 45, left: 44, days: undefined },
    { life: 45, left: 30, days: 30 },
    { life: 20, left: 7, days: 7 },
    { life: 14, left: 7, days: undefined },
    { life: 7, left: 7, days: undefined },
    { life: 1, left: 0.5, days: undefined },
  ]) {
    it(`with ${left} of ${life} days left is ${days === undefined ? 'none' : `that of ${days} days`}`, () => {
      assert.equal(dueWarning({ notBefore: 0, notAfter: life * DAY }, (life - left) * DAY)?.days, days);
    });
  }
});

describe('a renewal', () => {
  for (const { life, share, late } of [
    { life: 1, share: 0.5, late: 0.625 },
    { life: 90, share: 0.75, late: 73.125 },
  ]) {
    it(`of ${life} days at ${share} of them is late after ${late}`, () =>
      assert.equal(lateAt({ notBefore: 0, notAfter: life * DAY }, share), late * DAY));
  }
});

describe('the watch over certificates that end', () => {
  it('says once each that a long-lived one ends in 60, 30 and 7 days', async () => {
    const { fixture, watch, said, serial } = await watched();
    const seen: unknown[] = [];
    for (let day = 0; day <= 90; day += 1) {
      await watch.check();
      fixture.clock.time += DAY;
    }
    for (const { identity, details } of await said('CERTIFICATE_EXPIRING')) {
      seen.push([identity, details['serial'], details['days'], details['severity']]);
    }
    assert.deepEqual(seen.toReversed(), [
      [ORDERS_ID.toString(), serial, 60, 'info'],
      [ORDERS_ID.toString(), serial, 30, 'warning'],
      [ORDERS_ID.toString(), serial, 7, 'critical'],
    ]);
  });

  it('says nothing twice after a restart', async () => {
    const { fixture, watch, said, reopen } = await watched();
    fixture.clock.time += 31 * DAY;
    await watch.check();
    await (await reopen()).check();
    assert.equal((await said('CERTIFICATE_EXPIRING')).length, 1);
  });

  it('says nothing about what was replaced or revoked', async () => {
    for (const end of ['replaced', 'revoked'] as const) {
      const { fixture, watch, said, serial } = await watched();
      if (end === 'replaced') await fixture.authority.renew(ORDERS_ID, serial, { csr: csr(), sourceIp: '' });
      else await fixture.authority.revoke(serial, 'test', { name: 'ann', sourceIp: '' });
      fixture.clock.time += 40 * DAY;
      await watch.check();
      const about = (await said('CERTIFICATE_EXPIRING')).filter(({ details }) => details['serial'] === serial);
      assert.deepEqual(about, [], end);
    }
  });

  it('says of the authorities that sign that they end', async () => {
    const { fixture, watch, said } = await watched({ workloadMs: DAY, serverMs: DAY, intermediateMs: 50 * DAY });
    fixture.clock.time += 21 * DAY;
    await watch.check();
    assert.deepEqual(
      (await said('CERTIFICATE_EXPIRING')).map(({ details }) => [details['kind'], details['days']]),
      [['intermediate', 30]],
    );
  });

  it('says the most urgent only when the clock jumps ahead, and all of it again when that was wrong', async () => {
    const { fixture, watch, said } = await watched();
    const right = fixture.clock.time;
    fixture.clock.time += 85 * DAY;
    await watch.check();
    fixture.clock.time = right - 5000;
    await watch.check();
    fixture.clock.time = right + 31 * DAY;
    await watch.check();
    fixture.clock.time = right + 61 * DAY;
    await watch.check();
    const days = (await said('CERTIFICATE_EXPIRING')).map(({ details }) => details['days']);
    assert.deepEqual(days.toReversed(), [7, 60, 30]);
  });

  it('says once that a renewal is late, and has the holder renew while less than 7 days are left', async () => {
    const { fixture, watch, said, used, told, serial } = await watched();
    used.push(await useOf(fixture, serial));
    fixture.clock.time += 73 * DAY;
    await watch.check();
    assert.deepEqual([await said('CERTIFICATE_RENEWAL_LATE'), told], [[], []]);
    fixture.clock.time += DAY;
    await watch.check();
    await watch.check();
    const [late, ...more] = await said('CERTIFICATE_RENEWAL_LATE');
    assert.deepEqual(
      [late?.identity, late?.details['serial'], late?.result],
      [ORDERS_ID.toString(), serial, 'FAILURE'],
    );
    assert.deepEqual([more, told], [[], []]);
    fixture.clock.time += 10 * DAY;
    await watch.check();
    await watch.check();
    assert.deepEqual(told, [serial]);
    fixture.clock.time += 600_000;
    await watch.check();
    assert.deepEqual([told, (await said('CERTIFICATE_RENEWAL_LATE')).length], [[serial, serial], 1]);
  });

  it('has those with a life of a day renew as soon as they are late, wherever the clock jumps', async () => {
    const { fixture, watch, used, told, serial } = await watched({ workloadMs: DAY, renewalShare: 0.5 });
    used.push(await useOf(fixture, serial));
    const right = fixture.clock.time;
    fixture.clock.time = right + 0.7 * DAY;
    await watch.check();
    fixture.clock.time = right + 2 * DAY;
    await watch.check();
    fixture.clock.time = right - 5000;
    await watch.check();
    assert.deepEqual(told, [serial]);
    fixture.clock.time = right + 0.8 * DAY;
    await watch.check();
    assert.deepEqual(told, [serial, serial]);
  });
});

interface Watched {
  readonly fixture: AuthorityFixture;
  readonly watch: ExpiryWatch;
  /** Of `ORDERS`. */
  readonly serial: string;
  readonly used: UsedCertificate[];
  /** Serials whose holders were told to renew. */
  readonly told: string[];
  readonly reopen: () => Promise<ExpiryWatch>;
  /** Newest first. */
  readonly said: (type: string) => Promise<AuditRecord[]>;
}

async function watched(lifetimes: LifetimeOptions = {}): Promise<Watched> {
  const fixture = await openFixture({ lifetimes: { ...LEGACY, ...lifetimes } });
  const { serial } = await attest(fixture.authority);
  const used: UsedCertificate[] = [];
  const told: string[] = [];
  const reopen = (): Promise<ExpiryWatch> =>
    fixture.authority.watchExpiry({
      inUse: async () => used,
      rotate: (late) => told.push(late) > 0,
    });
  const said = async (type: string): Promise<AuditRecord[]> =>
    (await fixture.audit()).filter(({ event_type }) => event_type === type);
  return { fixture, watch: await reopen(), serial, used, told, reopen, said };
}

async function useOf({ authority }: AuthorityFixture, serial: string): Promise<UsedCertificate> {
  const found = (await authority.list()).find((certificate) => certificate.serial === serial);
  assert.ok(found !== undefined);
  const { spiffeId, notBefore, notAfter } = found;
  return { serial, spiffeId, notBefore, notAfter, renewalShare: authority.lifetimes.renewalShare };
}
