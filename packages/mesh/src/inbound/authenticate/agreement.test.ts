import assert from 'node:assert/strict';
import { test } from 'node:test';

import { endUserOf, serviceTokenRefusal } from '@rampart/core';
import type { JwtRule, ServiceTokenPolicy } from '@rampart/core';
import { FakeClock } from '@rampart/testkit/fake-clock';
import fc from 'fast-check';

import { EndUsers } from './end-users.ts';
import { carrier, hmacToken, rule, sourcesOf } from './issuer.fixture.ts';
import type { RequestParts } from './issuer.fixture.ts';
import { ServiceTokens } from './service-tokens.ts';

const clock = new FakeClock();
const now = clock.now() / 1000;
const SECRET = Buffer.alloc(32, 'k');
const JWKS = JSON.stringify({ keys: [{ kty: 'oct', k: SECRET.toString('base64url') }] });
const ISSUERS = ['https://a.example', 'https://b.example', 'https://c.example'] as const;
const HEADERS = ['authorization', 'x-user', 'x-service'] as const;

const issuer = fc.constantFrom(...ISSUERS);
const audience = fc.constantFrom('web', 'api');
const places = fc.constantFrom(undefined, [{ name: 'X-User' }], [{ name: 'x-service' }]);
const present = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const scope = fc.constantFrom('read', 'write', 'read write', '', ['read'], ['read', 'write', 7], 7);

/** Claims right and wrong: of any type, at any time. */
const claims = fc.record(
  {
    iss: fc.oneof({ weight: 8, arbitrary: issuer }, { weight: 1, arbitrary: fc.constantFrom('', 7, null) }),
    sub: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom('ann', 'service:web', '') },
      { weight: 1, arbitrary: fc.nat() },
    ),
    aud: fc.oneof(audience, fc.array(audience, { maxLength: 2 }), fc.constantFrom('other', null, [7])),
    exp: fc.constantFrom(now + 100, now + 100, now - 10, now - 100, String(now + 100), -1),
    nbf: fc.constantFrom(now - 100, now - 100, now + 10, now + 100, 'now'),
    iat: fc.constantFrom(now, now + 1000, true),
    scope,
  },
  { requiredKeys: [] },
);

const jwtRules = fc.array(
  fc
    .record({ issuer, audiences: present(fc.array(audience, { maxLength: 2 })), fromHeaders: places })
    .map(({ audiences, fromHeaders, ...rest }): JwtRule =>
      rule({ ...rest, jwks: JWKS, ...(audiences && { audiences }), ...(fromHeaders && { fromHeaders }) }),
    ),
  { maxLength: 4 },
);

const serviceTokens = fc.array(
  fc
    .record({
      issuer,
      audience,
      subjects: present(fc.constant(['service:*'])),
      fromHeaders: places,
      scopes: fc.subarray(['read', 'write'], { minLength: 1 }),
    })
    .map(({ subjects, fromHeaders, scopes, ...rest }): ServiceTokenPolicy => ({
      apiVersion: 'rampart.dev/v1',
      kind: 'ServiceTokenPolicy',
      metadata: { name: 'scopes', namespace: 'default', labels: {}, annotations: {} },
      spec: {
        ...rest,
        jwks: JWKS,
        ...(subjects && { subjects }),
        ...(fromHeaders && { fromHeaders }),
        rules: [{ methods: ['GET'], scopes }],
      },
    })),
  { maxLength: 3 },
);

/** The token wherever rules for its issuer look, and nowhere else; where none is about it, wherever any of them looks. */
function presented(token: string, claimed: unknown, all: readonly Looking[]): RequestParts {
  const own = all.filter((each) => each.issuer === claimed);
  const looking = own.length > 0 ? own : all;
  const names = new Set(
    looking.flatMap(({ fromHeaders = [{ name: 'authorization' }] }) =>
      fromHeaders.map(({ name }) => name.toLowerCase()),
    ),
  );
  return {
    headers: HEADERS.filter((name) => names.has(name)).map((name) => [
      name,
      name === 'authorization' ? `Bearer ${token}` : token,
    ]),
  };
}

type Looking = Pick<JwtRule, 'issuer' | 'fromHeaders'>;

const specsOf = (policies: readonly ServiceTokenPolicy[]): Looking[] => policies.map(({ spec }) => spec);

test('what is said of claims without a request is what the data plane says of the token: end users', async () => {
  await fc.assert(
    fc.asyncProperty(claims, jwtRules, async (claimed, rules) => {
      const users = new EndUsers(rules, sourcesOf(clock).adopt(rules), clock);
      const token = hmacToken(claimed, { alg: 'HS256' }, SECRET);
      const live = await users.identify(carrier(presented(token, claimed.iss, rules)));
      const said = endUserOf(claimed, { jwtRules: rules, serviceTokens: [] }, clock.now());
      assert.deepEqual(
        live.denied ? 'refused' : (live.token?.principal ?? 'nobody'),
        'refused' in said ? 'refused' : (said.token?.principal ?? 'nobody'),
      );
    }),
    { numRuns: 1000 },
  );
});

test('what is said of claims without a request is what the data plane says of the token: services', async () => {
  await fc.assert(
    fc.asyncProperty(claims, serviceTokens, async (claimed, policies) => {
      fc.pre(policies.length > 0);
      const sources = sourcesOf(clock).adopt(policies.map(({ spec }) => ({ ...spec, timeoutMs: 1000 })));
      const services = new ServiceTokens(policies, sources, clock);
      const token = hmacToken(claimed, { alg: 'HS256' }, SECRET);
      const live = await services.identify(carrier(presented(token, claimed.iss, specsOf(policies))));
      const use = { request: { method: 'GET', path: '/orders' }, now: clock.now() };
      const said = serviceTokenRefusal(claimed, policies, use);
      assert.equal(live.denied ? live.status : 200, said?.failure.status ?? 200, JSON.stringify(said));
    }),
    { numRuns: 1000 },
  );
});

test('a token that stands where only a policy for services looks is none of an end user', async () => {
  await fc.assert(
    fc.asyncProperty(claims, jwtRules, serviceTokens, async (claimed, rules, policies) => {
      fc.pre(!rules.some((each) => each.issuer === claimed.iss));
      fc.pre(policies.some(({ spec }) => spec.issuer === claimed.iss));
      const users = new EndUsers(rules, sourcesOf(clock).adopt(rules), clock);
      const token = hmacToken(claimed, { alg: 'HS256' }, SECRET);
      const live = await users.identify(carrier(presented(token, claimed.iss, [...rules, ...specsOf(policies)])));
      const said = endUserOf(claimed, { jwtRules: rules, serviceTokens: policies }, clock.now());
      assert.equal(live.denied, 'refused' in said);
    }),
    { numRuns: 500 },
  );
});
