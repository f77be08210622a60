import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TrustDomain } from '@rampart/core';
import { MemoryKeyStore } from '@rampart/keyring';
import { buildCertificate, parseCsr, randomSerial } from '@rampart/spiffe';
import type { CertificateTemplate, ParsedCertificate } from '@rampart/spiffe';
import type { Authority } from '../authority.ts';
import { ANN, attest, DAY, openFixture, T0 } from '../fixture.ts';
import type { AuthorityFixture } from '../fixture.ts';
import { createMemoryAuthorityStore } from '../memory-store.ts';
import type { ExternalCa } from './upstream/upstream.ts';

interface ForeignRoot {
  readonly certificate: ParsedCertificate;
  sign(csr: Uint8Array): Promise<readonly Uint8Array[]>;
}

/** A root of somebody else, who signs what is asked for. */
async function foreignRoot({
  serial = randomSerial(),
  lifeMs = 900 * DAY,
  domain = 'cluster.local',
} = {}): Promise<ForeignRoot> {
  const signer = await new MemoryKeyStore().create('root');
  const sign = (tbs: Uint8Array): Promise<Uint8Array> => signer.sign(tbs);
  const trustDomain = TrustDomain.of(domain);
  const common = { trustDomain, notBefore: T0 - DAY, notAfter: T0 + lifeMs };
  const { publicKeyDer } = signer;
  const root: CertificateTemplate = { ...common, kind: 'root', serial, publicKeyDer, commonName: 'Foreign root' };
  const certificate = await buildCertificate({ ...root, pathLength: 1 }, sign);
  return {
    certificate,
    sign: async (csr) => {
      const request = parseCsr(csr);
      assert.ok(request.ok);
      const intermediate: CertificateTemplate = {
        ...common,
        kind: 'intermediate',
        serial: randomSerial(),
        publicKeyDer: request.value.publicKeyDer,
        commonName: 'Foreign intermediate',
        issuer: certificate,
        notAfter: Math.min(certificate.notAfter, T0 + 800 * DAY),
      };
      return [(await buildCertificate(intermediate, sign)).der, certificate.der];
    },
  };
}

function states(authority: Authority): string[] {
  return authority.hierarchy.describe().map(({ kind, state }) => `${kind} ${state}`);
}

/** An authority below a CA that signs with whatever root it has at the time. */
async function openExternal(): Promise<{ fixture: AuthorityFixture; authority: Authority; ca: { root: ForeignRoot } }> {
  const fixture = await openFixture();
  const root = await foreignRoot();
  const ca = { root };
  const external: ExternalCa = {
    name: 'https://ca.test/sign',
    roots: [root.certificate.der],
    sign: (csr) => ca.root.sign(csr),
  };
  const authority = await fixture.reopen({
    store: createMemoryAuthorityStore(),
    upstream: { kind: 'external', ca: external },
  });
  return { fixture, authority, ca };
}

describe('a root that is kept elsewhere', () => {
  it('is replaced by one that is published a day before it signs, and retired when nothing below it is left', async () => {
    const { fixture, authority, ca } = await openExternal();
    const { hierarchy } = authority;
    const { clock } = fixture;
    ca.root = await foreignRoot();
    await assert.rejects(hierarchy.prepare('intermediate', ANN), { code: 'INVALID_CERTIFICATE' }, 'nobody vouched');
    const published = await hierarchy.publish(ca.root.certificate.der, ANN);
    assert.deepEqual([published.state, published.canSign, authority.bundle().roots.length], ['prepared', false, 2]);
    await hierarchy.prepare('intermediate', ANN);
    const activation = { kind: 'intermediate', serial: '', now: false } as const;
    await assert.rejects(hierarchy.activate(activation, ANN), /published a short while ago/);
    const before = await attest(authority);
    clock.time += DAY;
    const { root } = await hierarchy.activate(activation, ANN);
    assert.equal(root, ca.root.certificate.serial);
    assert.deepEqual(states(authority), ['root old', 'intermediate old', 'root active', 'intermediate active']);
    assert.equal(authority.bundle().roots.length, 2, 'what the old one vouches for is good');
    for (clock.time = before.notAfter; clock.time < before.notAfter + 4 * DAY; clock.time += DAY / 2) {
      await hierarchy.tend();
    }
    assert.deepEqual(states(authority), ['root retired', 'intermediate retired', 'root active', 'intermediate active']);
    assert.deepEqual(authority.bundle().roots, [ca.root.certificate.der]);
  });

  for (const { what, isKnown } of [
    { what: 'is not made to sign by a taint while some may not have heard of it', isKnown: false },
    { what: 'signs after a taint where everybody has heard of it', isKnown: true },
  ]) {
    it(what, async () => {
      const { fixture, authority, ca } = await openExternal();
      const { hierarchy } = authority;
      const first = ca.root;
      const [, { serial } = { serial: '' }] = hierarchy.describe();
      const second = await foreignRoot();
      await hierarchy.publish(second.certificate.der, ANN);
      ca.root = second;
      await hierarchy.prepare('intermediate', ANN);
      if (isKnown) fixture.clock.time += DAY;
      ca.root = first;
      await hierarchy.taint({ serial, reason: 'key leaked' }, ANN);
      const active = hierarchy.describe().find(({ kind, state }) => kind === 'intermediate' && state === 'active');
      assert.equal(active?.root, (isKnown ? second : first).certificate.serial);
    });
  }

  it('is made to sign by a taint where there is no other way', async () => {
    const { authority, ca } = await openExternal();
    const { hierarchy } = authority;
    const [, { serial } = { serial: '' }] = hierarchy.describe();
    ca.root = await foreignRoot();
    await hierarchy.publish(ca.root.certificate.der, ANN);
    await hierarchy.prepare('intermediate', ANN);
    ca.root = { ...ca.root, sign: () => Promise.reject(new Error('away')) };
    await hierarchy.taint({ serial, reason: 'key leaked' }, ANN);
    assert.deepEqual(states(authority), ['root old', 'intermediate tainted', 'root active', 'intermediate active']);
  });

  it('is warned about before it ends, while there is time for the next one', async () => {
    const { fixture, authority, ca } = await openExternal();
    const warned = (): boolean =>
      authority.hierarchy.status().warnings.some((text) => /the root ends at .*prepare root --certificate/.test(text));
    fixture.clock.time = T0 + 500 * DAY;
    assert.equal(warned(), false);
    fixture.clock.time = T0 + 510 * DAY;
    assert.equal(warned(), true);
    ca.root = await foreignRoot();
    await authority.hierarchy.publish(ca.root.certificate.der, ANN);
    assert.equal(warned(), false);
  });

  const bad: readonly (readonly [rule: string, root: () => Promise<Uint8Array>, message: RegExp])[] = [
    ['ended', async () => (await foreignRoot({ lifeMs: -DAY / 2 })).certificate.der, /expired/],
    ['is no certificate', async () => Uint8Array.of(0x30, 0), /./],
    [
      'is of another trust domain',
      async () => (await foreignRoot({ domain: 'example.org' })).certificate.der,
      /example/,
    ],
    [
      'is an intermediate',
      async () => (await openFixture()).authority.hierarchy.describe()[1]?.der ?? new Uint8Array(),
      /does not lead to a root/,
    ],
    ['is a leaf', async () => (await attest((await openFixture()).authority)).chain[0], /not a CA/],
  ];
  for (const [rule, root, message] of bad) {
    it(`and ${rule} is not published`, async () => {
      const { authority } = await openFixture();
      const der = await root();
      await assert.rejects(authority.hierarchy.publish(der, ANN), { code: 'INVALID_CERTIFICATE', message });
      assert.equal(authority.bundle().roots.length, 1);
    });
  }

  it('is published once, and never in the place of one with the same serial', async () => {
    const { authority, ledger } = await openFixture();
    const serial = Uint8Array.of(1);
    const [first, second] = [await foreignRoot({ serial }), await foreignRoot({ serial })];
    await authority.hierarchy.publish(first.certificate.der, ANN);
    const entries = (await ledger()).length;
    await assert.rejects(authority.hierarchy.publish(first.certificate.der, ANN), { code: 'ALREADY_EXISTS' });
    const chain = await second.sign(await authority.hierarchy.request(false, ANN));
    const other = { code: 'INVALID_CERTIFICATE', message: /another root has the serial 01 here/ };
    await assert.rejects(authority.hierarchy.publish(second.certificate.der, ANN), other);
    await assert.rejects(authority.hierarchy.install(chain, ANN), other);
    assert.equal((await ledger()).length, entries);
  });
});
