import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { verifySvid } from '@rampart/spiffe';
import type { Authority } from '../authority.ts';
import { ANN, attest, csr, DAY, openFixture, ORDERS_ID, read, T0 } from '../fixture.ts';
import type { AuthorityFixture } from '../fixture.ts';
import type { IssuedSvid } from '../issuance/issuance.ts';
import type { AuthorityDescription, HierarchyEvent } from './control.ts';

const HOUR = DAY / 24;

function states(authority: Authority, kind: AuthorityDescription['kind']): string[] {
  return authority.hierarchy.describe().flatMap((each) => (each.kind === kind ? [each.state] : []));
}

function newest(authority: Authority, kind: AuthorityDescription['kind']): AuthorityDescription {
  const found = authority.hierarchy.describe().findLast((each) => each.kind === kind);
  assert.ok(found);
  return found;
}

function active(authority: Authority, kind: AuthorityDescription['kind']): AuthorityDescription {
  const found = authority.hierarchy.describe().find((each) => each.kind === kind && each.state === 'active');
  assert.ok(found);
  return found;
}

/** As a relying party that gets the bundle of now would judge it. */
function isAccepted({ authority, clock }: AuthorityFixture, { chain }: IssuedSvid): boolean {
  const { roots, trustDomain } = authority.bundle();
  const isRevoked = (serial: string): boolean => authority.isRevoked(serial);
  return verifySvid(chain, { roots, trustDomain, at: clock.now(), isRevoked }).ok;
}

function intermediateOf({ chain }: IssuedSvid): string {
  return read(chain[1]).serial;
}

/** Everything in the ledger about authorities after the first two. */
async function ledgerOf({ ledger }: AuthorityFixture): Promise<string[]> {
  const bodies = (await ledger()).map(({ body }) => JSON.parse(body) as { event_type: string; kind: string });
  return bodies
    .filter(({ kind }) => kind === 'root' || kind === 'intermediate')
    .map((b) => `${b.event_type} ${b.kind}`)
    .slice(2);
}

describe('intermediates rotate by themselves', () => {
  it('prepared when 30 days are left, activated when 7 are, retired a day after the last that they signed has ended', async () => {
    const fixture = await openFixture();
    const { authority, clock } = fixture;
    const steps = [
      { day: 334, expected: ['active'] },
      { day: 336, expected: ['active', 'prepared'] },
      { day: 357.9, expected: ['active', 'prepared'] },
      { day: 358.1, expected: ['old', 'active'] },
      { day: 359, expected: ['old', 'active'] },
      { day: 359.9, expected: ['old', 'active'] },
      { day: 360.1, expected: ['retired', 'active'] },
    ];
    for (const { day, expected } of steps) {
      clock.time = T0 + day * DAY;
      await authority.hierarchy.tend();
      assert.deepEqual(states(authority, 'intermediate'), expected, `day ${day}`);
      assert.ok(isAccepted(fixture, await attest(authority)));
    }
    assert.deepEqual(await ledgerOf(fixture), [
      'CERTIFICATE_ISSUED intermediate',
      'CA_ACTIVATED intermediate',
      'CA_RETIRED intermediate',
    ]);
  });

  it('and every leaf gets its whole life at any moment', async () => {
    const { authority, clock } = await openFixture({ lifetimes: { intermediateMs: 60 * DAY, rootMs: 400 * DAY } });
    for (let day = 0; day < 200; day += 1) {
      clock.time = T0 + day * DAY;
      await authority.hierarchy.tend();
      const { notBefore, notAfter } = await attest(authority);
      assert.equal(notAfter - notBefore, DAY, `day ${day}`);
    }
  });

  it('and what the last one signed is accepted until its own end', async () => {
    const fixture = await openFixture();
    const { authority, clock } = fixture;
    clock.time = T0 + 358 * DAY - 1000;
    await authority.hierarchy.tend();
    const before = await attest(authority);
    clock.time += 2000;
    await authority.hierarchy.tend();
    const after = await attest(authority);
    assert.notEqual(intermediateOf(before), intermediateOf(after));
    assert.ok(isAccepted(fixture, before) && isAccepted(fixture, after));
    clock.time = before.notAfter;
    await authority.hierarchy.tend();
    assert.ok(isAccepted(fixture, before));
  });

  it('continue after a restart in every state', async () => {
    const fixture = await openFixture();
    const { authority, clock, reopen } = fixture;
    for (const day of [336, 358.5, 360]) {
      clock.time = T0 + day * DAY;
      await authority.hierarchy.tend();
      const restarted = await reopen();
      assert.deepEqual(restarted.hierarchy.describe(), authority.hierarchy.describe());
      assert.deepEqual(restarted.bundle(), authority.bundle());
    }
  });
});

describe('roots rotate by themselves', () => {
  it('published before they sign, kept until nothing below them is left, with a bundle whose number grows', async () => {
    const lifetimes = { rootMs: 40 * DAY, intermediateMs: 10 * DAY };
    const fixture = await openFixture({ lifetimes });
    const { authority, clock } = fixture;
    let told = 0;
    authority.hierarchy.onChange(({ bundle }) => (told += bundle ? 1 : 0));
    const [first] = authority.hierarchy.describe();
    const bundles = [authority.bundle()];
    const passed = new Set<string>();
    for (let hour = 0; hour < 45 * 24; hour += 1) {
      clock.time = T0 + hour * HOUR;
      await authority.hierarchy.tend();
      const bundle = authority.bundle();
      if (bundle.roots.length !== bundles.at(-1)?.roots.length) bundles.push(bundle);
      passed.add(states(authority, 'root')[0] ?? '');
      assert.ok(isAccepted(fixture, await attest(authority)), `hour ${hour}`);
    }
    assert.deepEqual([...passed], ['active', 'old', 'retired']);
    assert.ok(!authority.bundle().roots.some((root) => read(root).serial === first?.serial));
    assert.deepEqual(
      bundles.map(({ sequence }) => sequence),
      bundles.map((_, index) => index + 1),
    );
    assert.equal(told, bundles.length - 1);
  });

  it('and nobody needs a root that was published less than a day ago', async () => {
    const { authority, clock } = await openFixture({ lifetimes: { rootMs: 40 * DAY, intermediateMs: 10 * DAY } });
    const published: { at: number; roots: readonly Uint8Array[] }[] = [];
    for (let hour = 0; hour < 60 * 24; hour += 1) {
      clock.time = T0 + hour * HOUR;
      await authority.hierarchy.tend();
      published.push({ at: clock.time, roots: authority.bundle().roots });
      const { chain } = await attest(authority);
      const dayAgo = published.findLast(({ at }) => at <= clock.time - DAY);
      if (dayAgo !== undefined)
        assert.ok(verifySvid(chain, { roots: dayAgo.roots, at: clock.time }).ok, `hour ${hour}`);
    }
  });
});

describe('operators', () => {
  it('prepare and activate an intermediate; a second one must wait', async () => {
    const fixture = await openFixture();
    const { authority } = fixture;
    const before = await attest(authority);
    const prepared = await authority.hierarchy.prepare('intermediate', ANN);
    assert.equal(prepared.state, 'prepared');
    await assert.rejects(authority.hierarchy.prepare('intermediate', ANN), { code: 'ALREADY_EXISTS' });
    assert.equal(intermediateOf(await attest(authority)), intermediateOf(before));
    const activated = await authority.hierarchy.activate({ kind: 'intermediate', serial: '', now: false }, ANN);
    assert.deepEqual([activated.serial, activated.state], [prepared.serial, 'active']);
    assert.equal(intermediateOf(await attest(authority)), prepared.serial);
    assert.ok(isAccepted(fixture, before));
    const [record] = await fixture.audit();
    assert.deepEqual(
      [record?.event_type, record?.identity, record?.source_ip],
      ['CERTIFICATE_ISSUED', 'spiffe://cluster.local/ns/default/sa/orders', '10.0.0.1'],
    );
    const activation = (await fixture.audit()).find(({ event_type: type }) => type === 'CA_ACTIVATED');
    assert.deepEqual([activation?.identity, activation?.source_ip], ['ann', '192.0.2.7']);
  });

  it('cannot activate what is not there or not prepared', async () => {
    const { authority } = await openFixture();
    const { serial } = active(authority, 'intermediate');
    const { hierarchy } = authority;
    await assert.rejects(hierarchy.activate({ kind: 'intermediate', serial: '', now: false }, ANN), {
      code: 'NOT_FOUND',
      message: /rampart ca prepare intermediate/,
    });
    await assert.rejects(hierarchy.activate({ kind: 'intermediate', serial: '77', now: false }, ANN), {
      code: 'NOT_FOUND',
    });
    await assert.rejects(hierarchy.activate({ kind: 'intermediate', serial, now: false }, ANN), {
      code: 'INVALID_ARGUMENT',
      message: /is active/,
    });
  });

  it('wait a day before a new root signs, unless they say that it may not wait', async () => {
    const fixture = await openFixture();
    const { authority, clock } = fixture;
    const { hierarchy } = authority;
    const { serial } = await hierarchy.prepare('root', ANN);
    assert.equal(authority.bundle().roots.length, 2);
    await assert.rejects(hierarchy.activate({ kind: 'root', serial, now: false }, ANN), {
      code: 'INVALID_ARGUMENT',
      message: /may not know it before 2026-01-21T10:30:00\.123Z; wait until then, or .* --now/,
    });
    await hierarchy.activate({ kind: 'root', serial, now: true }, ANN);
    assert.equal(active(authority, 'root').serial, serial);
    clock.time += DAY;
    const next = await hierarchy.prepare('intermediate', ANN);
    assert.equal(next.root, serial);
    await hierarchy.activate({ kind: 'intermediate', serial: next.serial, now: false }, ANN);
    assert.ok(isAccepted(fixture, await attest(authority)));
  });

  it('taint the intermediate that signs: the next one signs at once, and data planes are told', async () => {
    const fixture = await openFixture();
    const { authority } = fixture;
    const before = await attest(authority);
    const { serial } = active(authority, 'intermediate');
    const told: HierarchyEvent[] = [];
    authority.hierarchy.onChange((event) => told.push(event));
    assert.equal((await authority.hierarchy.taint({ serial, reason: 'key leaked' }, ANN)).state, 'tainted');
    assert.deepEqual(told, [{ bundle: false, tainted: [serial] }]);
    assert.ok(authority.hierarchy.isTainted(serial));
    const after = await attest(authority);
    assert.notEqual(intermediateOf(after), serial);
    // Nobody is refused until everybody has had the time to renew.
    assert.ok(isAccepted(fixture, before));
    const renewed = await authority.renew(ORDERS_ID, before.serial, { csr: csr(), sourceIp: '' });
    assert.ok(renewed.ok);
    assert.notEqual(intermediateOf(renewed.value), serial);
    assert.deepEqual(await ledgerOf(fixture), [
      'CERTIFICATE_ISSUED intermediate',
      'CA_ACTIVATED intermediate',
      'CA_TAINTED intermediate',
    ]);
  });

  it('revoke what is tainted: its leaves are refused, its serial is pushed, and it stays so after a restart', async () => {
    const fixture = await openFixture();
    const { authority, reopen } = fixture;
    const before = await attest(authority);
    const { serial } = active(authority, 'intermediate');
    const { hierarchy } = authority;
    await assert.rejects(hierarchy.revoke({ serial, reason: 'x' }, ANN), {
      code: 'INVALID_ARGUMENT',
      message: /is active: taint it first/,
    });
    await hierarchy.taint({ serial, reason: 'key leaked' }, ANN);
    const pushed: string[] = [];
    authority.onRevoked((revoked) => pushed.push(revoked));
    assert.equal((await hierarchy.revoke({ serial, reason: 'key leaked' }, ANN)).state, 'revoked');
    assert.deepEqual(pushed, [serial]);
    assert.ok(!isAccepted(fixture, before));
    assert.ok(isAccepted(fixture, await attest(authority)));
    assert.deepEqual((await ledgerOf(fixture)).at(-1), 'CERTIFICATE_REVOKED intermediate');
    assert.ok((await reopen()).isRevoked(serial));
    await assert.rejects(hierarchy.revoke({ serial, reason: 'x' }, ANN), {
      code: 'INVALID_ARGUMENT',
      message: /is revoked/,
    });
  });

  it('replace a root whose key is lost to somebody', async () => {
    const fixture = await openFixture();
    const { authority } = fixture;
    const { hierarchy } = authority;
    const before = await attest(authority);
    const bad = active(authority, 'root').serial;
    await assert.rejects(hierarchy.taint({ serial: bad, reason: 'x' }, ANN), {
      code: 'INVALID_ARGUMENT',
      message: /rampart ca prepare root/,
    });
    const { serial } = await hierarchy.prepare('root', ANN);
    await hierarchy.activate({ kind: 'root', serial, now: true }, ANN);
    const told: HierarchyEvent[] = [];
    hierarchy.onChange((event) => told.push(event));
    await hierarchy.taint({ serial: bad, reason: 'stolen' }, ANN);
    assert.deepEqual(told.at(-1), { bundle: false, tainted: [bad, intermediateOf(before)] });
    assert.ok(isAccepted(fixture, before));
    const { sequence } = authority.bundle();
    await hierarchy.revoke({ serial: bad, reason: 'stolen' }, ANN);
    assert.ok(authority.bundle().sequence > sequence);
    assert.equal(authority.bundle().roots.length, 1);
    assert.ok(!isAccepted(fixture, before));
    assert.ok(isAccepted(fixture, await attest(authority)));
    assert.deepEqual(states(authority, 'root'), ['revoked', 'active']);
    assert.deepEqual(states(authority, 'intermediate'), ['revoked', 'active']);
  });

  it('revoke an authority that was prepared by mistake', async () => {
    const { authority } = await openFixture();
    const { serial } = await authority.hierarchy.prepare('root', ANN);
    await authority.hierarchy.revoke({ serial, reason: 'mistake' }, ANN);
    assert.equal(authority.bundle().roots.length, 1);
    assert.equal(newest(authority, 'root').state, 'revoked');
  });

  it('do one step at a time, whoever asks', async () => {
    const { authority } = await openFixture();
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => authority.hierarchy.prepare('intermediate', ANN)));
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected'],
    );
  });
});

describe('when the clock jumps', () => {
  it('ahead, beyond the end of the intermediate, the next one signs at once', async () => {
    const fixture = await openFixture();
    fixture.clock.time = T0 + 400 * DAY;
    assert.ok(isAccepted(fixture, await attest(fixture.authority)));
    assert.deepEqual(states(fixture.authority, 'intermediate'), ['old', 'active']);
  });

  it('ahead and back again, whichever is valid signs', async () => {
    const fixture = await openFixture();
    const { authority, clock } = fixture;
    const first = active(authority, 'intermediate').serial;
    clock.time = T0 + 400 * DAY;
    await attest(authority);
    clock.time = T0 + HOUR;
    const svid = await attest(authority);
    assert.equal(intermediateOf(svid), first);
    assert.ok(isAccepted(fixture, svid));
    clock.time = T0 + 400 * DAY;
    assert.ok(isAccepted(fixture, await attest(authority)));
    assert.equal(states(authority, 'intermediate').length, 2, 'no third one is made');
  });

  it('back, before there was a root, nothing is issued, and the reason names the clock', async () => {
    const fixture = await openFixture();
    const { authority, clock } = fixture;
    clock.time = T0 - DAY;
    for (let round = 0; round < 3; round += 1) {
      await assert.rejects(attest(authority), {
        code: 'IDENTITY_NOT_READY',
        message: /check the clock of this machine/,
      });
    }
    assert.equal(states(authority, 'intermediate').length, 1);
    clock.time = T0 + 1000;
    assert.ok(isAccepted(fixture, await attest(authority)));
  });
});
