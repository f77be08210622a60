import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { deadSelectorReason } from '@rampart/core';
import { provePossession } from '@rampart/spiffe';
import { foreignAuthority, foreignCertificate } from '@rampart/testkit';
import type { ForeignCertificate } from '@rampart/testkit';
import { csr, DAY } from '../../fixture.ts';
import type { X509PopEvidence } from '../evidence.ts';
import { attestor, entry, openNewcomers, WEB_ID } from '../newcomer.fixture.ts';
import type { Newcomers } from '../newcomer.fixture.ts';

const LEAF = { extensions: ['keyUsage=critical,digitalSignature', 'subjectAltName=DNS:host-1.example'] };
const root = foreignAuthority();
const host = foreignCertificate({ ...LEAF, issuer: root });

const trusting = (spec: object = {}, rest: object = {}): ReturnType<typeof attestor> =>
  attestor({ x509pop: { roots: root.certPem, ...spec }, ...rest });

function open(spec: object = {}, rest: object = {}): Promise<Newcomers> {
  const entries = [entry(['x509pop:subject:cn:host-1'])];
  return openNewcomers({ attestors: [trusting(spec, rest)], entries, now: Date.now() });
}

interface Proof {
  readonly chain?: readonly ForeignCertificate[];
  readonly signer?: ForeignCertificate;
  readonly request?: Uint8Array;
  readonly trustDomain?: string;
}

function prove(
  { authority }: Newcomers,
  proof: Proof = {},
): { readonly evidence: X509PopEvidence; readonly csr: Uint8Array } {
  const { chain = [host], request = csr(), trustDomain = 'cluster.local' } = proof;
  const { nonce } = authority.challenge();
  const key = (proof.signer ?? chain[0] ?? host).key;
  const signature = provePossession(key, { label: 'rampart x509pop v1', trustDomain, nonce, csr: request });
  return { evidence: { kind: 'x509pop', chain: chain.map(({ der }) => der), nonce, signature }, csr: request };
}

describe('a certificate of another authority', () => {
  it('whose key is at hand gives the identity of its entry', async () => {
    const all = await open();
    const { evidence, csr: request } = prove(all);
    const attested = await all.attest(evidence, { csr: request });
    assert.ok(attested.ok, attested.ok ? '' : attested.problem.message);
    assert.equal(attested.value.spiffeId.toString(), WEB_ID);
    const [issued, success] = await all.audit();
    assert.deepEqual([issued?.event_type, success?.event_type], ['CERTIFICATE_ISSUED', 'ATTESTATION_SUCCESS']);
    const fingerprint = (der: Uint8Array): string => createHash('sha256').update(der).digest('hex');
    for (const selector of (success?.details['selectors'] ?? []) as readonly string[]) {
      assert.equal(deadSelectorReason(selector), undefined, 'entries with it are warned of');
    }
    assert.deepEqual(success?.details['selectors'], [
      'x509pop:attestor:outside',
      `x509pop:fingerprint:${fingerprint(host.der)}`,
      'x509pop:serialnumber:02',
      'x509pop:subject:cn:host-1',
      `x509pop:ca:fingerprint:${fingerprint(root.der)}`,
      'x509pop:san:dns:host-1.example',
    ]);
    assert.deepEqual(success?.details['entry'], 'prod/web');
  });

  for (const key of ['p384', 'p521', 'ed25519', 'rsa-2048'] as const) {
    it(`may have a key of kind ${key}`, async () => {
      const issuer = foreignAuthority({ key });
      const all = await open({ roots: issuer.certPem });
      const { evidence, csr: request } = prove(all, { chain: [foreignCertificate({ ...LEAF, key, issuer })] });
      const attested = await all.attest(evidence, { csr: request });
      assert.ok(attested.ok, attested.ok ? '' : attested.problem.message);
    });
  }

  it('may stand below intermediates, up to the number that the attestor takes', async () => {
    const first = foreignAuthority({ issuer: root, name: 'first' });
    const second = foreignAuthority({ issuer: first, name: 'second' });
    const chain = [foreignCertificate({ ...LEAF, issuer: second }), second, first];
    const all = await open({ maxIntermediates: 2 });
    const { evidence, csr: request } = prove(all, { chain });
    assert.ok((await all.attest(evidence, { csr: request })).ok);
    all.registered.attestors = [trusting({ maxIntermediates: 1 })];
    const again = prove(all, { chain });
    await all.assertRefused(await all.attest(again.evidence, { csr: again.csr }), 'x509pop-too-many-intermediates');
  });

  it('makes an agent where the attestor says so, and is renewed while it does', async () => {
    const all = await open({}, { agents: { selectors: ['x509pop:subject:cn:host-1'] } });
    const { evidence, csr: request } = prove(all);
    const agent = await all.attest(evidence, { csr: request, agent: true });
    assert.ok(agent.ok);
    const { spiffeId, serial } = agent.value;
    assert.match(spiffeId.toString(), /^spiffe:\/\/cluster\.local\/agent\/x509pop\/[0-9a-f]{64}$/);
    const renewal = { csr: csr(), sourceIp: '' };
    assert.ok((await all.authority.renew(spiffeId, serial, renewal)).ok);
    all.registered.attestors = [trusting()];
    const refused = await all.authority.renew(spiffeId, serial, renewal);
    assert.match(refused.ok ? '' : refused.problem.message, /no longer takes it for an agent/);
    all.registered.attestors = [];
    const gone = await all.authority.renew(spiffeId, serial, renewal);
    assert.match(gone.ok ? '' : gone.problem.message, /which vouched for it, is gone/);
  });

  it('makes no agent where the attestor does not say so', async () => {
    for (const rest of [{}, { agents: { selectors: ['x509pop:subject:cn:host-2'] } }]) {
      const all = await open({}, rest);
      const { evidence, csr: request } = prove(all);
      await all.assertRefused(await all.attest(evidence, { csr: request, agent: true }), 'agent-not-admitted');
    }
  });

  it('counts once for each challenge', async () => {
    const all = await open();
    const { evidence, csr: request } = prove(all);
    assert.ok((await all.attest(evidence, { csr: request })).ok);
    await all.assertRefused(await all.attest(evidence, { csr: request }), 'nonce-used');
    const other = prove(all);
    assert.ok((await all.attest(other.evidence, { csr: other.csr })).ok);
  });

  it('counts once, whoever comes at the same time', async () => {
    const all = await open();
    const { evidence, csr: request } = prove(all);
    const attempts = await Promise.all(Array.from({ length: 8 }, () => all.attest(evidence, { csr: request })));
    assert.equal(attempts.filter(({ ok }) => ok).length, 1);
  });

  const refusals: readonly (readonly [
    rule: string,
    what: string,
    attempt: (all: Newcomers) => ReturnType<typeof prove>,
  ])[] = [
    [
      'nonce-unknown',
      'a nonce nobody gave out',
      (all) => spoilNonce(prove(all), (nonce) => new Uint8Array(nonce.length)),
    ],
    ['nonce-unknown', 'a nonce with one bit changed', (all) => spoilNonce(prove(all), flipped)],
    ['nonce-unknown', 'no nonce', (all) => spoilNonce(prove(all), () => new Uint8Array())],
    [
      'nonce-expired',
      'a nonce of a minute ago',
      (all) => {
        const proof = prove(all);
        all.clock.time += 60_000;
        return proof;
      },
    ],
    [
      'x509pop-proof',
      'the signature of another key',
      (all) => prove(all, { signer: foreignCertificate({ issuer: root }) }),
    ],
    ['x509pop-proof', 'a signature over another request', (all) => ({ ...prove(all), csr: csr() })],
    ['x509pop-proof', 'a signature for another trust domain', (all) => prove(all, { trustDomain: 'other.example' })],
    [
      'x509pop-proof',
      'the signature over another challenge',
      (all) => {
        const proof = prove(all);
        return spoilNonce(proof, () => all.authority.challenge().nonce);
      },
    ],
    [
      'x509pop-proof',
      'an empty signature',
      (all) => {
        const proof = prove(all);
        return { ...proof, evidence: { ...proof.evidence, signature: new Uint8Array() } };
      },
    ],
    ['x509pop-malformed', 'no certificate', (all) => withChain(prove(all), [])],
    ['x509pop-malformed', 'what is no certificate', (all) => withChain(prove(all), [new Uint8Array([48, 0])])],
    [
      'x509pop-untrusted',
      'a certificate that signed itself',
      (all) => prove(all, { chain: [foreignCertificate(LEAF)] }),
    ],
    [
      'x509pop-untrusted',
      'an authority of the same name',
      (all) => prove(all, { chain: [foreignCertificate({ ...LEAF, issuer: foreignAuthority() })] }),
    ],
    [
      'x509pop-untrusted',
      'a chain with the issuer missing',
      (all) =>
        prove(all, { chain: [foreignCertificate({ ...LEAF, issuer: foreignAuthority({ issuer: root, name: 'a' }) })] }),
    ],
    [
      'x509pop-untrusted',
      'a signature with SHA-1',
      (all) => prove(all, { chain: [foreignCertificate({ ...LEAF, issuer: root, digest: 'sha1' })] }),
    ],
    ['x509pop-leaf-is-ca', 'a CA', (all) => prove(all, { chain: [foreignAuthority({ issuer: root })] })],
    [
      'x509pop-key-usage',
      'a key that may not sign',
      (all) =>
        prove(all, { chain: [foreignCertificate({ issuer: root, extensions: ['keyUsage=critical,keyAgreement'] })] }),
    ],
    [
      'x509pop-issuer-is-no-ca',
      'an issuer that is no CA',
      (all) => {
        const issuer = foreignCertificate({ ...LEAF, issuer: root, name: 'no CA' });
        return prove(all, { chain: [foreignCertificate({ ...LEAF, issuer }), issuer] });
      },
    ],
    [
      'x509pop-path-length',
      'an intermediate where none may be',
      (all) => {
        const extensions = ['basicConstraints=critical,CA:TRUE,pathlen:0', 'keyUsage=critical,keyCertSign'];
        const first = foreignAuthority({ issuer: root, name: 'first', extensions });
        const second = foreignAuthority({ issuer: first, name: 'second' });
        return prove(all, { chain: [foreignCertificate({ ...LEAF, issuer: second }), second, first] });
      },
    ],
    [
      'x509pop-extension',
      'an issuer with name constraints',
      (all) => {
        const constrained = [
          'nameConstraints=permitted;DNS:.example',
          'basicConstraints=critical,CA:TRUE',
          'keyUsage=critical,keyCertSign',
        ];
        const issuer = foreignAuthority({ issuer: root, name: 'constrained', extensions: constrained });
        return prove(all, { chain: [foreignCertificate({ ...LEAF, issuer }), issuer] });
      },
    ],
    [
      'x509pop-extension',
      'a critical extension nobody knows',
      (all) => prove(all, { chain: [foreignCertificate({ issuer: root, extensions: ['1.2.3.4=critical,DER:0500'] })] }),
    ],
    [
      'x509pop-rsa-size',
      'an RSA key that is too short',
      (all) => prove(all, { chain: [foreignCertificate({ ...LEAF, issuer: root, key: 'rsa-1024' })] }),
    ],
    [
      'x509pop-rsa-size',
      'an RSA key longer than the attestor takes',
      (all) => {
        all.registered.attestors = [trusting({ maxRsaBits: 2048 })];
        return prove(all, { chain: [foreignCertificate({ ...LEAF, issuer: root, key: 'rsa-2304' })] });
      },
    ],
    [
      'x509pop-expired',
      'a certificate that has ended',
      (all) => {
        all.clock.time += 11 * DAY;
        return prove(all);
      },
    ],
    [
      'x509pop-expired',
      'an issuer that has ended',
      (all) => {
        const issuer = foreignAuthority({ issuer: root, name: 'short', days: 1 });
        all.clock.time += 2 * DAY;
        return prove(all, { chain: [foreignCertificate({ ...LEAF, issuer }), issuer] });
      },
    ],
    [
      'x509pop-not-yet-valid',
      'a certificate of tomorrow',
      (all) => {
        all.clock.time -= DAY;
        return prove(all);
      },
    ],
    [
      'x509pop-no-attestor',
      'an authority without attestor',
      (all) => {
        all.registered.attestors = [];
        return prove(all);
      },
    ],
    [
      'entry-none',
      'a certificate that no entry is about',
      (all) => {
        all.registered.entries = [entry(['x509pop:subject:cn:host-2'])];
        return prove(all);
      },
    ],
  ];
  for (const [rule, what, attempt] of refusals) {
    it(`is refused by rule ${rule} for ${what}`, async () => {
      const all = await open();
      const { evidence, csr: request } = attempt(all);
      await all.assertRefused(await all.attest(evidence, { csr: request }), rule);
    });
  }
});

type Attempt = ReturnType<typeof prove>;

function spoilNonce(attempt: Attempt, spoil: (nonce: Uint8Array) => Uint8Array): Attempt {
  return { ...attempt, evidence: { ...attempt.evidence, nonce: spoil(attempt.evidence.nonce) } };
}

function withChain(attempt: Attempt, chain: readonly Uint8Array[]): Attempt {
  return { ...attempt, evidence: { ...attempt.evidence, chain } };
}

function flipped(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, index) => (index === 9 ? byte ^ 1 : byte));
}
