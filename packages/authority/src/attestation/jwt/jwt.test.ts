import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { deadSelectorReason } from '@rampart/core';
import { OidcIssuer } from '@rampart/testkit';
import { csr } from '../../fixture.ts';
import { attestor, entry, openNewcomers, WEB_ID } from '../newcomer.fixture.ts';
import type { Newcomers } from '../newcomer.fixture.ts';

const POD = 'b1e2c3d4-0000-4000-8000-000000000001';
const K8S_CLAIMS = {
  sub: 'system:serviceaccount:prod:web',
  'kubernetes.io': {
    namespace: 'prod',
    serviceaccount: { name: 'web', uid: 'sa-uid' },
    pod: { name: 'web-1', uid: POD },
    node: { name: 'node-1', uid: 'node-uid' },
  },
};

let issuer: OidcIssuer;
let all: Newcomers;

before(async () => {
  issuer = await OidcIssuer.start(Date.now());
});
after(() => issuer.close());

function trusting(spec: object = {}, rest: object = {}): ReturnType<typeof attestor> {
  const jwt = { issuer: issuer.url, audiences: ['rampart'], caBundle: issuer.ca, profile: 'kubernetes', ...spec };
  return attestor({ jwt, ...rest }, 'cluster-1');
}

function token(claims: object = {}, header: object = {}): string {
  return issuer.token(all.clock.time, { ...K8S_CLAIMS, ...claims }, header);
}

async function attest(text: string, agent = false): ReturnType<Newcomers['attest']> {
  return all.attest({ kind: 'jwt', token: text }, { agent });
}

async function open(...attestors: ReturnType<typeof attestor>[]): Promise<void> {
  const entries = [entry(['k8s:ns:prod', 'k8s:sa:web'], { service: 'web', labels: { app: 'web' } })];
  all = await openNewcomers({ attestors, entries, now: Date.now() });
}

/** Selectors that an attested newcomer was found to have. */
async function selectors(): Promise<readonly string[]> {
  const record = (await all.audit()).find(({ event_type: type }) => type === 'ATTESTATION_SUCCESS');
  const made = (record?.details['selectors'] ?? []) as readonly string[];
  for (const selector of made) assert.equal(deadSelectorReason(selector), undefined, 'entries with it are warned of');
  return made;
}

describe('a token of a service account', () => {
  beforeEach(() => open(trusting()));

  it('gives the identity of its entry', async () => {
    const attested = await attest(token());
    assert.ok(attested.ok, attested.ok ? '' : attested.problem.message);
    assert.equal(attested.value.spiffeId.toString(), WEB_ID);
    assert.deepEqual(attested.value.workload, {
      namespace: 'prod',
      serviceAccount: 'web',
      service: 'web',
      labels: { app: 'web' },
    });
    assert.deepEqual(await selectors(), [
      'jwt:attestor:cluster-1',
      `jwt:iss:${issuer.url}`,
      'jwt:sub:system:serviceaccount:prod:web',
      'k8s:cluster:cluster-1',
      'k8s:ns:prod',
      'k8s:sa:web',
      'k8s:sa-uid:sa-uid',
      'k8s:pod-name:web-1',
      `k8s:pod-uid:${POD}`,
      'k8s:node-name:node-1',
      'k8s:node-uid:node-uid',
    ]);
  });

  it('is nowhere on record', async () => {
    const text = token();
    await attest(text);
    await attest(text);
    const record = JSON.stringify([await all.audit(), await all.ledger()]);
    for (const part of text.split('.')) assert.ok(!record.includes(part));
  });

  it('counts once, in whatever form its signature is written', async () => {
    const text = token();
    assert.ok((await attest(text)).ok);
    await all.assertRefused(await attest(text), 'jwt-replayed');
    await all.assertRefused(await attest(otherForm(text)), 'jwt-replayed');
    assert.ok((await attest(token({ jti: 'another' }))).ok);
  });

  it('counts once, whoever comes at the same time, before or after a restart', async () => {
    const text = token();
    const replica = await all.reopen();
    const request = { evidence: { kind: 'jwt', token: text }, agent: false, sourceIp: '' } as const;
    const attempts = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        (index % 2 === 0 ? all.authority : replica).attestWith({ ...request, csr: csr() }),
      ),
    );
    assert.equal(attempts.filter(({ ok }) => ok).length, 1);
  });

  it('counts more than once where the attestor says so', async () => {
    await open(trusting({ allowReuse: true }));
    const text = token();
    assert.ok((await attest(text)).ok);
    assert.ok((await attest(text)).ok);
  });

  it('is left unused by a bad request', async () => {
    const text = token();
    const refused = await all.attest({ kind: 'jwt', token: text }, { csr: new Uint8Array() });
    assert.equal(!refused.ok && refused.problem.code, 'INVALID_CSR');
    assert.equal((await all.audit())[0]?.details['rule'], 'csr-malformed');
    assert.ok((await attest(text)).ok);
  });

  it('makes an agent by its node, or its pod, where the attestor says so', async () => {
    await open(trusting({}, { agents: { selectors: ['k8s:sa:web'] } }));
    const { pod, ...nodeless } = { ...K8S_CLAIMS['kubernetes.io'], node: undefined };
    for (const [claims, name] of [
      [{}, 'node-uid'],
      [{ 'kubernetes.io': { ...nodeless, pod } }, POD],
      [{ 'kubernetes.io': nodeless }, 'sha256-[0-9a-f]{64}'],
    ] as const) {
      const agent = await attest(token({ jti: name, ...claims }), true);
      const id = agent.ok ? agent.value.spiffeId.toString() : agent.problem.message;
      assert.match(id, new RegExp(`^spiffe://cluster\\.local/agent/jwt/cluster-1/${name}$`));
    }
  });

  const refusals: readonly (readonly [rule: string, what: string, text: () => string])[] = [
    ['jwt-malformed', 'no token', () => ''],
    ['jwt-malformed', 'text', () => 'a.b.c'],
    ['jwt-malformed', 'a very long token', () => `${token()}${'A'.repeat(20_000)}`],
    ['jwt-malformed', 'five parts', () => `${token()}.a.b`],
    ['jwt-algorithm', 'no signature', () => `${part({ alg: 'none' })}.${part({ iss: issuer.url })}.`],
    ['jwt-algorithm', 'a MAC with the public keys', () => macOf(issuer.jwks)],
    ['jwt-issuer', 'another issuer', () => token({ iss: 'https://other.example' })],
    ['jwt-issuer', 'no issuer', () => token({ iss: undefined })],
    ['jwt-audience', 'another audience', () => token({ aud: 'api' })],
    ['jwt-audience', 'no audience', () => token({ aud: undefined })],
    ['jwt-expired', 'a token that has ended', () => token({ exp: Math.floor(all.clock.time / 1000) - 31 })],
    ['jwt-claims', 'no end', () => token({ exp: undefined })],
    ['jwt-claims', 'no subject', () => token({ sub: undefined })],
    ['jwt-not-yet-valid', 'a token of the future', () => token({ nbf: Math.floor(all.clock.time / 1000) + 60 })],
    ['jwt-not-yet-valid', 'a token issued in the future', () => token({ iat: Math.floor(all.clock.time / 1000) + 60 })],
    ['jwt-too-old', 'a token issued long ago', () => token({ iat: Math.floor(all.clock.time / 1000) - 86_500 })],
    [
      'jwt-signature',
      'another payload under a signature',
      () => withPayload(token(), { ...K8S_CLAIMS, aud: 'rampart' }),
    ],
    ['jwt-signature', 'an empty signature', () => token().replace(/[^.]*$/, '')],
    ['jwt-key', 'a key of nobody', () => token({}, { kid: 'key-9' })],
    ['jwt-malformed', 'a critical header nobody knows', () => token({}, { crit: ['x'], x: 1 })],
    ['jwt-claims', 'a token of another kind', () => token({ 'kubernetes.io': undefined })],
    ['jwt-claims', 'a namespace that its subject is not of', () => token({ sub: 'system:serviceaccount:dev:web' })],
    [
      'entry-none',
      'a service account without entry',
      () =>
        token({
          sub: 'system:serviceaccount:prod:other',
          'kubernetes.io': { namespace: 'prod', serviceaccount: { name: 'other' } },
        }),
    ],
  ];
  for (const [rule, what, text] of refusals) {
    it(`is refused by rule ${rule} for ${what}`, async () => all.assertRefused(await attest(text()), rule));
  }
});

describe('the keys of an issuer', () => {
  beforeEach(() => open(trusting()));

  it('are discovered once, and kept', async () => {
    const from = issuer.asked.length;
    await Promise.all([attest(token({ jti: '1' })), attest(token({ jti: '2' })), attest(token({ jti: '3' }))]);
    assert.deepEqual(issuer.asked.slice(from), ['/.well-known/openid-configuration', '/keys']);
  });

  it('are asked for again when a token names a new one, but not each time', async () => {
    assert.ok((await attest(token({ jti: '1' }))).ok);
    issuer.rotate();
    all.clock.time += 30_000;
    assert.ok((await attest(token({ jti: '2' }))).ok);
    const from = issuer.asked.length;
    await all.assertRefused(await attest(token({}, { kid: 'nobody' })), 'jwt-key');
    assert.equal(issuer.asked.length, from);
  });

  it('that the issuer gives up verify nothing after ten minutes', async () => {
    const old = token({ exp: Math.floor(all.clock.time / 1000) + 3600 });
    assert.ok((await attest(token({ jti: 'x' }))).ok);
    issuer.rotate({ forget: true });
    all.clock.time += 600_000;
    await all.assertRefused(await attest(old), 'jwt-key');
  });

  it('are good for an hour while the issuer is away, and then no longer', async () => {
    assert.ok((await attest(token({ jti: '1' }))).ok);
    issuer.away = true;
    try {
      all.clock.time += 59 * 60_000;
      assert.ok((await attest(token({ jti: '2' }))).ok);
      all.clock.time += 60_000;
      await all.assertRefused(await attest(token({ jti: '3' })), 'jwt-keys-unavailable');
    } finally {
      issuer.away = false;
    }
  });

  it('are not asked for by each newcomer while the issuer is away', async () => {
    issuer.away = true;
    const from = issuer.asked.length;
    try {
      for (const jti of ['1', '2', '3']) await all.assertRefused(await attest(token({ jti })), 'jwt-keys-unavailable');
      assert.equal(issuer.asked.length, from + 1);
    } finally {
      issuer.away = false;
    }
    all.clock.time += 3000;
    assert.ok((await attest(token())).ok);
  });

  it('are not taken from a document about another issuer', async () => {
    issuer.named = 'https://other.example';
    try {
      await all.assertRefused(await attest(token()), 'jwt-keys-unavailable');
    } finally {
      issuer.named = '';
    }
  });

  it('are not taken from an issuer whose certificate nobody vouches for', async () => {
    await open(attestor({ jwt: { issuer: issuer.url, audiences: ['rampart'], profile: 'kubernetes' } }));
    await all.assertRefused(await attest(token()), 'jwt-keys-unavailable');
  });

  it('are not taken from where a redirect leads', async () => {
    await open(trusting({ jwksUri: `${issuer.url}/moved` }));
    await all.assertRefused(await attest(token()), 'jwt-keys-unavailable');
  });

  it('may stand in the attestor, and nobody is asked', async () => {
    await open(trusting({ jwks: issuer.jwks }));
    const from = issuer.asked.length;
    assert.ok((await attest(token())).ok);
    assert.equal(issuer.asked.length, from);
  });

  it('verify a token without key id, each in turn', async () => {
    issuer.rotate();
    assert.ok((await attest(token({}, { kid: undefined }))).ok);
  });
});

describe('what a newcomer is', () => {
  const cases: readonly (readonly [profile: string, claims: object, selectors: readonly string[]])[] = [
    [
      'gcp',
      {
        sub: '1234',
        email: 'web@p.iam.gserviceaccount.com',
        email_verified: true,
        google: {
          compute_engine: { project_id: 'p', project_number: 42, zone: 'z', instance_id: '7', instance_name: 'vm' },
        },
      },
      [
        'gcp:project-id:p',
        'gcp:project-number:42',
        'gcp:zone:z',
        'gcp:instance-id:7',
        'gcp:instance-name:vm',
        'gcp:service-account:web@p.iam.gserviceaccount.com',
      ],
    ],
    ['gcp', { sub: '1234', email: 'web@p', email_verified: false }, []],
    [
      'azure',
      {
        sub: 'x',
        tid: 't',
        oid: 'o',
        azp: 'a',
        xms_mirid: '/subscriptions/s/resourcegroups/g/providers/Microsoft.Compute/virtualMachines/vm',
      },
      [
        'azure:tenant-id:t',
        'azure:object-id:o',
        'azure:app-id:a',
        'azure:subscription-id:s',
        'azure:resource-group:g',
        'azure:vm-name:vm',
      ],
    ],
    [
      'github',
      {
        sub: 'repo:o/r:ref:refs/heads/main',
        repository: 'o/r',
        ref: 'refs/heads/main',
        environment: 'prod',
        run_id: '1',
      },
      ['github:repository:o/r', 'github:ref:refs/heads/main', 'github:environment:prod'],
    ],
    [
      'gitlab',
      { sub: 'project_path:g/p', project_path: 'g/p', ref_protected: 'true' },
      ['gitlab:project-path:g/p', 'gitlab:ref-protected:true'],
    ],
    [
      'generic',
      { sub: 'job-1', teams: ['a', 'b'], user: { name: 'ann' } },
      ['jwt:teams:a', 'jwt:teams:b', 'jwt:user.name:ann'],
    ],
  ];
  for (const [profile, claims, expected] of cases) {
    it(`by the claims of profile ${profile}: ${expected.length} selectors`, async () => {
      await open(trusting({ profile, claimSelectors: ['teams', 'user.name'] }));
      all.registered.entries = [entry([`jwt:sub:${(claims as { sub: string }).sub}`])];
      const attested = await attest(issuer.token(all.clock.time, claims));
      assert.ok(attested.ok, attested.ok ? '' : attested.problem.message);
      assert.deepEqual((await selectors()).slice(3), expected);
    });
  }

  it('no claim with a line break, or of another form, is a selector', async () => {
    await open(trusting({ profile: 'generic', claimSelectors: ['a', 'b', 'c', 'd'] }));
    all.registered.entries = [entry(['jwt:sub:x'])];
    const attested = await attest(
      issuer.token(all.clock.time, { sub: 'x', a: 'y\nk8s:ns:prod', b: '', c: { d: 1 }, d: ' e' }),
    );
    assert.ok(attested.ok);
    assert.deepEqual((await selectors()).slice(3), ['jwt:d: e']);
  });

  it('no token of one cluster counts for another, where entries say which', async () => {
    await open(trusting());
    all.registered.entries = [entry(['k8s:cluster:cluster-2', 'k8s:ns:prod'])];
    await all.assertRefused(await attest(token()), 'entry-none');
  });

  it('of several audiences one is enough, and of several attestors of an issuer', async () => {
    await open(trusting({ audiences: ['x'] }), trusting({ audiences: ['y', 'rampart'] }));
    assert.ok((await attest(token({ aud: ['api', 'rampart'] }))).ok);
  });
});

function part(object: object): string {
  return Buffer.from(JSON.stringify(object)).toString('base64url');
}

function macOf(secret: string): string {
  const signed = `${part({ alg: 'HS256' })}.${part({ iss: issuer.url, aud: 'rampart', sub: 'x', exp: 9e9 })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

function withPayload(text: string, payload: object): string {
  const [header = '', , signature = ''] = text.split('.');
  return `${header}.${part({ iss: issuer.url, exp: 9e9, ...payload })}.${signature}`;
}

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** The same token with the second signature that ECDSA has for it: s replaced by n - s. */
function otherForm(text: string): string {
  const [header = '', payload = '', signature = ''] = text.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  const s = ORDER - BigInt(`0x${bytes.subarray(32).toString('hex')}`);
  const other = Buffer.concat([bytes.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')]);
  return `${header}.${payload}.${other.toString('base64url')}`;
}
