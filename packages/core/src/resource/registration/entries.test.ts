// Registration entries and attestors, field by field.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseResource, toJson } from '../../index.ts';
import { parseDocuments } from '../../documents.ts';
import { PUBLIC_JWKS } from '../../testing/resource-json.ts';
import { expectRefusal, expectSilence, expectWarning, type Refusal } from '../../testing/refusals.ts';

const ID = 'spiffe://cluster.local/ns/prod/sa/web';
const PEM = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const ISSUER = 'https://issuer.example';

const resource = (kind: string, spec: object): Record<string, unknown> => ({
  apiVersion: 'rampart.dev/v1',
  kind,
  metadata: { name: 'x', namespace: 'istio-system' },
  spec,
});
const entry = (change: object): Record<string, unknown> =>
  resource('RegistrationEntry', { spiffeId: ID, selectors: ['k8s:ns:prod', 'k8s:sa:web'], ...change });
const jwtSpec = (change: object): object => ({ jwt: { issuer: ISSUER, audiences: ['rampart'], ...change } });
const jwt = (change: object): Record<string, unknown> => resource('Attestor', jwtSpec(change));

for (const [what, document] of [
  ['an entry', entry({})],
  [
    'an entry with everything',
    entry({
      selectors: ['unix:uid:1000', 'unix:path:/usr/bin/web server'],
      parentId: 'spiffe://cluster.local/agent/x509pop/ab',
      service: 'web',
      labels: { app: 'web' },
      dnsNames: ['web.prod.svc'],
      x509SvidTtl: '1h',
      jwtSvidTtl: '5m',
      federatesWith: ['other.example'],
      admin: true,
      hint: 'internal',
      expiresAt: '2027-01-31T12:00:00Z',
    }),
  ],
  ['an x509pop attestor', resource('Attestor', { x509pop: { roots: PEM }, agents: {} })],
  ['a JWT attestor', jwt({ profile: 'kubernetes', maxAge: '1h', claimSelectors: ['a.b'], caBundle: PEM })],
  [
    'an AWS attestor',
    resource('Attestor', { awsIam: { accounts: ['123456789012'] }, agents: { selectors: ['aws_iam:x'] } }),
  ],
] as const) {
  test(`${what} is taken and reads back equal`, () => {
    expectSilence(document);
    const first = parseResource(document);
    assert.ok(first.ok);
    const second = parseResource(JSON.parse(toJson(first.value)));
    assert.ok(second.ok);
    assert.deepEqual(second.value, first.value);
  });
}

const REFUSED: readonly Refusal[] = [
  ['no identity', resource('RegistrationEntry', { selectors: ['a:b'] }), 'spec', /needs a spiffeId/],
  ['no selectors', resource('RegistrationEntry', { spiffeId: ID }), 'spec', /needs selectors/],
  ['an empty list of selectors', entry({ selectors: [] }), 'spec.selectors', /everybody would get/],
  ['a selector without type', entry({ selectors: ['prod'] }), 'spec.selectors[0]', /"type:value"/],
  ['a selector without value', entry({ selectors: ['k8s:'] }), 'spec.selectors[0]', /"type:value"/],
  [
    '65 selectors',
    entry({ selectors: Array.from({ length: 65 }, (_, n) => `unix:uid:${n}`) }),
    'spec.selectors',
    /at most 64/,
  ],
  ['a trust domain as identity', entry({ spiffeId: 'spiffe://td' }), 'spec.spiffeId', /must have a path/],
  ['the identity of an agent', entry({ spiffeId: 'spiffe://td/agent/x/y' }), 'spec.spiffeId', /below \/agent/],
  ['an identity with an empty segment', entry({ spiffeId: 'spiffe://td/a//b' }), 'spec.spiffeId', /segment/],
  ['a parent that is no agent', entry({ parentId: ID }), 'spec.parentId', /SPIFFE ID of an agent/],
  [
    'a parent of another trust domain',
    entry({ parentId: 'spiffe://td/agent/a' }),
    'spec.parentId',
    /trust domain of spiffeId/,
  ],
  [
    'a service without workload identity',
    entry({ spiffeId: 'spiffe://td/a', service: 'web' }),
    'spec.service',
    /of the form/,
  ],
  ['a wildcard as DNS name', entry({ dnsNames: ['*.prod'] }), 'spec.dnsNames[0]', /without wildcard/],
  ['a life of half a second', entry({ x509SvidTtl: '500ms' }), 'spec.x509SvidTtl', /whole seconds/],
  ['a certificate for more than 90 days', entry({ x509SvidTtl: '2161h' }), 'spec.x509SvidTtl', /to 2160h/],
  ['a token for more than a day', entry({ jwtSvidTtl: '25h' }), 'spec.jwtSvidTtl', /to 24h/],
  ['an end that is no time', entry({ expiresAt: 'soon' }), 'spec.expiresAt', /RFC 3339/],
  ['no evidence', resource('Attestor', { agents: {} }), 'spec', /needs one of x509pop, jwt, awsIam/],
  [
    'two kinds of evidence',
    resource('Attestor', { x509pop: { roots: PEM }, awsIam: { accounts: ['1'.repeat(12)] } }),
    'spec.awsIam',
    /beside x509pop/,
  ],
  ['roots that are no PEM', resource('Attestor', { x509pop: { roots: 'x' } }), 'spec.x509pop.roots', /in PEM/],
  [
    'a private key among roots',
    resource('Attestor', { x509pop: { roots: '-----BEGIN PRIVATE KEY-----' } }),
    'spec.x509pop.roots',
    /private key/,
  ],
  ['no audiences', resource('Attestor', { jwt: { issuer: ISSUER } }), 'spec.jwt', /needs audiences/],
  ['keys from nowhere', jwt({ issuer: 'me' }), 'spec.jwt.issuer', /discovered/],
  ['keys over plaintext', jwt({ jwksUri: 'http://issuer.example/keys' }), 'spec.jwt.jwksUri', /https/],
  ['discovery over plaintext', jwt({ issuer: 'http://issuer.example' }), 'spec.jwt.issuer', /discovered/],
  [
    'a claim that passes for the attestor',
    jwt({ claimSelectors: ['attestor'] }),
    'spec.jwt.claimSelectors[0]',
    /name of the attestor/,
  ],
  [
    'a claim that passes for another',
    jwt({ claimSelectors: ['sub:x'] }),
    'spec.jwt.claimSelectors[0]',
    /those of claim sub/,
  ],
  ['keys from two places', jwt({ jwksUri: ISSUER, jwks: PUBLIC_JWKS }), 'spec.jwt.jwks', /one place/],
  ['an unknown profile', jwt({ profile: 'k8s' }), 'spec.jwt.profile', /unknown value/],
  ['no accounts', resource('Attestor', { awsIam: {} }), 'spec.awsIam', /needs accounts/],
  [
    'an account in other form',
    resource('Attestor', { awsIam: { accounts: ['1'] } }),
    'spec.awsIam.accounts[0]',
    /12 digits/,
  ],
  [
    'STS in plaintext',
    resource('Attestor', { awsIam: { accounts: ['1'.repeat(12)], stsEndpoint: 'http://sts/' } }),
    'spec.awsIam.stsEndpoint',
    /https/,
  ],
];
for (const refusal of REFUSED) {
  test(`an entry or attestor is refused for ${refusal[0]}`, () => expectRefusal(refusal));
}

const DOUBTED: readonly Refusal[] = [
  ['a type that nothing makes', entry({ selectors: ['docker:label:a'] }), 'spec.selectors[0]', /of type "docker"/],
  [
    'a name that nothing makes',
    entry({ selectors: ['k8s:namespace:a'] }),
    'spec.selectors[0]',
    /are about cluster, ns,/,
  ],
  [
    'a user id that is none',
    entry({ selectors: ['unix:uid:root'] }),
    'spec.selectors[0]',
    /uid is followed by a decimal/,
  ],
  [
    'a digest in capitals',
    entry({ selectors: [`unix:sha256:${'AB'.repeat(32)}`] }),
    'spec.selectors[0]',
    /64 lower-case/,
  ],
  ['a short container id', entry({ selectors: ['container:id:0123456789ab'] }), 'spec.selectors[0]', /64 lower-case/],
  ['evidence and a process', entry({ selectors: ['k8s:ns:a', 'unix:uid:1'] }), 'spec.selectors', /of a process/],
  [
    'evidence of two kinds',
    entry({ selectors: ['k8s:ns:a', 'x509pop:san:dns:a'] }),
    'spec.selectors',
    /k8s and x509pop/,
  ],
  [
    'evidence for an agent',
    entry({ parentId: 'spiffe://cluster.local/agent/x/y' }),
    'spec.selectors',
    /no agent can say k8s:ns:prod/,
  ],
  [
    'administrators of any agent',
    entry({ admin: true, selectors: ['unix:uid:0'] }),
    'spec.admin',
    /every agent may make administrators/,
  ],
  ['every token for an agent', resource('Attestor', { ...jwtSpec({}), agents: {} }), 'spec.agents', /takes everybody/],
  [
    'every role for an agent',
    resource('Attestor', { awsIam: { accounts: ['1'.repeat(12)] }, agents: {} }),
    'spec.agents',
    /takes everybody/,
  ],
];
for (const doubted of DOUBTED) {
  test(`an entry or attestor is doubted for ${doubted[0]}`, () => expectWarning(doubted));
}

test('an entry outside the root namespace makes nobody an administrator', () => {
  const text = JSON.stringify({ ...entry({ admin: true }), metadata: { name: 'x', namespace: 'prod' } });
  const { problems } = parseDocuments(text, {
    file: 'f',
    defaultNamespace: 'default',
    rootNamespace: 'istio-system',
  });
  assert.deepEqual(
    problems.map(({ field }) => field),
    ['spec.admin'],
  );
});

const places: readonly (readonly [namespace: string, id: string, problem: RegExp | undefined])[] = [
  ['prod', ID, undefined],
  ['istio-system', ID, undefined],
  ['istio-system', 'spiffe://cluster.local/billing', undefined],
  ['default', ID, /metadata\.namespace prod or istio-system/],
  ['prod', 'spiffe://cluster.local/billing', /metadata\.namespace istio-system/],
];
for (const [namespace, spiffeId, problem] of places) {
  test(`an entry of ${namespace} ${problem === undefined ? 'may' : 'may not'} give out ${spiffeId}`, () => {
    const text = JSON.stringify({ ...entry({ spiffeId }), metadata: { name: 'x', namespace } });
    const { problems } = parseDocuments(text, {
      file: 'f',
      defaultNamespace: 'default',
      rootNamespace: 'istio-system',
    });
    assert.equal(problems.length, problem === undefined ? 0 : 1);
    if (problem !== undefined) assert.match(problems[0]?.message ?? '', problem);
  });
}
