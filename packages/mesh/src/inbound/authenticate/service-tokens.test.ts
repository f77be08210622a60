import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { parseResource } from '@rampart/core';
import type { ServiceTokenPolicy } from '@rampart/core';
import { FakeClock } from '@rampart/testkit/fake-clock';

import { bearer, carrier, sourcesOf, TestIssuer } from './issuer.fixture.ts';
import type { RequestParts } from './issuer.fixture.ts';
import { ServiceTokens } from './service-tokens.ts';

const clock = new FakeClock();
const now = clock.now() / 1000;
const auth = new TestIssuer('https://auth.example.com');
const evil = new TestIssuer('https://auth.example.com');

function policy(parts: object = {}): ServiceTokenPolicy {
  const parsed = parseResource({
    apiVersion: 'rampart.dev/v1',
    kind: 'ServiceTokenPolicy',
    metadata: { name: 'orders-scopes', namespace: 'default' },
    spec: {
      issuer: auth.name,
      jwks: auth.jwks,
      audience: 'service:orders-api',
      rules: [
        { methods: ['GET'], paths: ['/orders/*', '/stock/{*}'], scopes: ['read:orders'] },
        { methods: ['POST', 'DELETE'], scopes: ['read:orders', 'write:orders'] },
        { paths: ['/orders/secret'], scopes: ['admin'] },
      ],
      ...parts,
    },
  });
  assert.ok(parsed.ok && parsed.value.kind === 'ServiceTokenPolicy', JSON.stringify(parsed));
  return parsed.value;
}

function tokens(...policies: readonly ServiceTokenPolicy[]): ServiceTokens {
  const sources = sourcesOf(clock).adopt(policies.map(({ spec }) => ({ ...spec, timeoutMs: 5000 })));
  return new ServiceTokens(policies, sources, clock);
}

/** As printed in the pattern, with an end that is not over. */
const CLAIMS = {
  iss: 'https://auth.example.com',
  sub: 'service:users-api',
  aud: 'service:orders-api',
  exp: now + 300,
  scope: 'read:orders write:orders',
};

async function answer(request: RequestParts, asked = tokens(policy())): Promise<string> {
  const outcome = await asked.identify(carrier({ target: '/orders/7', ...request }));
  return outcome.denied ? `${outcome.status} ${outcome.body}` : outcome.principal;
}

describe('the four validations, in their order', () => {
  const good = 'https://auth.example.com/service:users-api';
  const cases: readonly (readonly [string, string, RequestParts])[] = [
    ['a good token', good, bearer(auth.token(CLAIMS))],
    [
      'audience and scope as lists',
      good,
      bearer(auth.token({ ...CLAIMS, aud: ['x', CLAIMS.aud], scope: ['read:orders'] })),
    ],
    ['no token', '401 Jwt is missing', {}],
    ['another issuer', '401 Jwt issuer is not configured', bearer(auth.token({ ...CLAIMS, iss: 'https://x' }))],
    [
      '1: signature, before all else',
      '401 Jwt verification fails',
      bearer(evil.token({ ...CLAIMS, exp: 1, aud: 'x' })),
    ],
    ['2: expiry, before the audience', '401 Token expired', bearer(auth.token({ ...CLAIMS, exp: now - 1, aud: 'x' }))],
    ['2: a token without end', '401 Token expired', bearer(auth.token({ ...CLAIMS, exp: undefined }))],
    ['2: not yet valid', '401 Jwt not yet valid', bearer(auth.token({ ...CLAIMS, nbf: now + 61 }))],
    [
      '3: audience, before the scope',
      '401 Invalid audience',
      bearer(auth.token({ ...CLAIMS, aud: 'service:other', scope: '' })),
    ],
    ['3: no audience', '401 Invalid audience', bearer(auth.token({ ...CLAIMS, aud: undefined }))],
    ['4: scope', '403 Insufficient scope', bearer(auth.token({ ...CLAIMS, scope: 'write:orders' }))],
    [
      '4: a scope that only starts like it',
      '403 Insufficient scope',
      bearer(auth.token({ ...CLAIMS, scope: 'read:orders-all' })),
    ],
    ['4: no scope', '403 Insufficient scope', bearer(auth.token({ ...CLAIMS, scope: undefined }))],
  ];
  for (const [name, expected, request] of cases) {
    it(`${name}: ${expected}`, async () => assert.equal(await answer(request), expected));
  }

  it('a token that was good is refused once it has expired', async () => {
    const own = new FakeClock();
    const only = policy();
    const asked = new ServiceTokens([only], sourcesOf(own).adopt([{ ...only.spec, timeoutMs: 1 }]), own);
    const request = carrier({ target: '/orders/7', ...bearer(auth.token({ ...CLAIMS, exp: now + 10 })) });
    assert.equal((await asked.identify(request)).denied, false);
    assert.ok(!(asked.identify(request) instanceof Promise), 'what was verified is known at once');
    await own.advance(11_000);
    assert.equal((await asked.identify(request)).denied, true);
  });

  it('the refusal says which scopes would do (RFC 6750 §3.1)', async () => {
    const outcome = await tokens(policy()).identify(
      carrier({ method: 'POST', ...bearer(auth.token({ ...CLAIMS, scope: '' })) }),
    );
    assert.ok(outcome.denied);
    assert.equal(
      outcome.challenge,
      'Bearer realm="http://orders-api:8080/orders", error="insufficient_scope", scope="read:orders write:orders"',
    );
    assert.equal(outcome.policy, 'default/orders-scopes');
  });
});

describe('what rules ask', () => {
  const reader = bearer(auth.token({ ...CLAIMS, scope: 'read:orders' }));
  const writer = bearer(auth.token(CLAIMS));
  const cases: readonly (readonly [string, RequestParts, number])[] = [
    ['a rule for the method and a pattern of the path', { ...reader, target: '/orders/7?all=1' }, 200],
    ['a template', { ...reader, target: '/stock/7' }, 200],
    ['a template is no prefix', { ...reader, target: '/stock/7/8' }, 403],
    ['all scopes of a rule', { ...reader, method: 'POST' }, 403],
    ['with all of them', { ...writer, method: 'POST' }, 200],
    ['every rule that covers the request', { ...writer, target: '/orders/secret' }, 403],
    ['no rule covers it', { ...writer, method: 'PATCH' }, 403],
  ];
  for (const [name, request, status] of cases) {
    it(`${name}: ${status}`, async () => {
      const outcome = await answer(request);
      assert.equal(/^\d{3}/.exec(outcome)?.[0] ?? '200', String(status), outcome);
    });
  }

  it('subjects', async () => {
    const asked = tokens(policy({ subjects: ['service:users-*'] }));
    assert.match(await answer(bearer(auth.token(CLAIMS)), asked), /users-api$/);
    assert.equal(await answer(bearer(auth.token({ ...CLAIMS, sub: 'service:x' })), asked), '403 Subject not allowed');
  });

  it('another header; the default is off then', async () => {
    const asked = tokens(policy({ fromHeaders: [{ name: 'X-Service-Token' }] }));
    assert.match(await answer({ headers: [['x-service-token', auth.token(CLAIMS)]] }, asked), /users-api$/);
    assert.equal(await answer(bearer(auth.token(CLAIMS)), asked), '401 Jwt is missing');
  });

  it('two different tokens are one too many', async () => {
    const headers = [
      ['authorization', `Bearer ${auth.token(CLAIMS)}`],
      ['authorization', `Bearer ${auth.token({ ...CLAIMS, sub: 'x' })}`],
    ] as const;
    assert.equal(await answer({ headers }), '401 Found multiple Jwt tokens');
  });

  it('several policies: one that lets it pass is enough, else the closest says why', async () => {
    const partner = new TestIssuer('https://partner.example');
    const both = tokens(policy({ issuer: partner.name, jwks: partner.jwks }), policy());
    assert.match(await answer(bearer(auth.token(CLAIMS)), both), /users-api$/);
    assert.match(await answer(bearer(partner.token({ ...CLAIMS, iss: partner.name })), both), /users-api$/);
    assert.equal(await answer(bearer(auth.token({ ...CLAIMS, scope: '' })), both), '403 Insufficient scope');
    assert.equal(await answer({}, both), '401 Jwt is missing');
  });
});
