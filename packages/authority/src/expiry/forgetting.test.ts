import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { attest, csr, DAY, openFixture, ORDERS_ID, T0 } from '../fixture.ts';
import { nextMarks } from './forgetting.ts';

const HOUR = DAY / 24;

describe('what has ended', () => {
  it('is forgotten a day or two later', async () => {
    const { authority, clock, store } = await openFixture();
    const { serial, notAfter } = await attest(authority);
    const isThere = async (at: number): Promise<boolean> => {
      clock.time = at;
      await attest(authority);
      return (await store.certificate(serial)) !== undefined;
    };
    for (let at = T0 + 6 * HOUR; at < notAfter + DAY; at += 6 * HOUR) assert.equal(await isThere(at), true);
    assert.equal(await isThere(notAfter + 2 * DAY + HOUR), false);
  });

  it('is not forgotten by a clock that jumps ahead and back: who holds a certificate renews', async () => {
    const { authority, clock, store } = await openFixture();
    const { serial } = await attest(authority);
    await store.useEvidence('ee', T0 + HOUR);
    for (const jump of [2 * DAY, 60 * DAY]) {
      clock.time += jump;
      await attest(authority);
      clock.time += 2 * HOUR;
      await attest(authority);
      clock.time = T0 + HOUR;
      await attest(authority);
    }
    assert.equal(await store.useEvidence('ee', T0 + HOUR), false, 'evidence counts once');
    const renewed = await authority.renew(ORDERS_ID, serial, { csr: csr(), sourceIp: '' });
    assert.equal(renewed.ok, true);
  });

  it('is forgotten no sooner by a process that starts each day', async () => {
    const { clock, store, reopen } = await openFixture();
    const { serial } = await attest(await reopen());
    for (let day = 1; day <= 4; day += 1) {
      clock.time += DAY + HOUR;
      await attest(await reopen());
    }
    assert.equal(await store.certificate(serial), undefined, 'and no later');
  });
});

describe('the mark of the clock', () => {
  const marks = { past: T0 - DAY, latest: T0 };
  const cases = [
    { rule: 'is set at first', marks: undefined, now: T0, next: { past: 0, latest: T0 } },
    { rule: 'stays for a day', marks, now: T0 + DAY - 1, next: marks },
    { rule: 'is the past a day later', marks, now: T0 + DAY, next: { past: T0, latest: T0 + DAY } },
    { rule: 'is the past after a jump, too', marks, now: T0 + 99 * DAY, next: { past: T0, latest: T0 + 99 * DAY } },
    { rule: 'goes back with the clock', marks, now: T0 - 1, next: { past: T0 - DAY, latest: T0 - 1 } },
  ];
  for (const { rule, marks: before, now, next } of cases) {
    it(rule, () => assert.deepEqual(nextMarks(before, now), next));
  }
});
