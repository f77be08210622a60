import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { JwtRule } from '@rampart/core';
import { FakeClock } from '@rampart/testkit/fake-clock';

import { EndUsers } from './end-users.ts';
import type { EndUser } from './end-users.ts';
import { bearer, carrier, rule, sourcesOf, TestIssuer } from './issuer.fixture.ts';
import type { RequestParts } from './issuer.fixture.ts';
import type { AuthenticationRefusal } from './refusal.ts';

const clock = new FakeClock();
const now = clock.now() / 1000;
const acme = new TestIssuer('https://acme.example');
const other = new TestIssuer('https://other.example');
const stranger = new TestIssuer('https://stranger.example');

function rules(...parts: Partial<JwtRule>[]): EndUsers {
  const complete = parts.map((part) =>
    rule({ issuer: acme.name, ...(part.jwksUri === undefined ? { jwks: acme.jwks } : {}), ...part }),
  );
  return new EndUsers(complete, sourcesOf(clock).adopt(complete), clock);
}

async function ask(users: EndUsers, parts: RequestParts): Promise<EndUser | AuthenticationRefusal> {
  return users.identify(carrier(parts));
}

async function principal(users: EndUsers, parts: RequestParts): Promise<string | undefined> {
  const answer = await ask(users, parts);
  assert.equal(answer.denied, false, answer.denied ? answer.body : '');
  return answer.denied ? undefined : answer.token?.principal;
}

async function refusal(users: EndUsers, parts: RequestParts): Promise<string> {
  const answer = await ask(users, parts);
  assert.ok(answer.denied, 'let through');
  assert.equal(answer.status, 401);
  return answer.body;
}

describe('tokens and no tokens', () => {
  it('no token: let through without identity', async () => {
    assert.equal(await principal(rules({}), {}), undefined);
  });

  it('a good token: identity "iss/sub" and all claims', async () => {
    const answer = await ask(rules({ spaceDelimitedClaims: ['roles'] }), bearer(acme.token({ groups: ['a'] })));
    assert.ok(!answer.denied);
    assert.deepEqual(answer.token, {
      principal: 'https://acme.example/alice',
      issuer: 'https://acme.example',
      subject: 'alice',
      claims: { iss: 'https://acme.example', sub: 'alice', groups: ['a'] },
      spaceDelimitedClaims: ['roles'],
    });
  });

  it('a token of an issuer that no rule names: refused', async () => {
    assert.equal(await refusal(rules({}), bearer(stranger.token())), 'Jwt issuer is not configured');
  });

  it('a token that another key has signed: refused', async () => {
    const forged = stranger.token({ iss: acme.name });
    assert.equal(await refusal(rules({}), bearer(forged)), 'Jwt verification fails');
  });

  it('the refusal says where, and that the token is at fault; never the query', async () => {
    const answer = await ask(rules({}), { ...bearer('x'), target: '/a"b?access_token=secret' });
    assert.ok(answer.denied);
    assert.equal(answer.challenge, 'Bearer realm="http://orders-api:8080/a_b", error="invalid_token"');
  });

  it('a CORS preflight passes without identity, another OPTIONS does not', async () => {
    const preflight = [
      ['origin', 'https://shop.example'],
      ['access-control-request-method', 'PUT'],
      ['authorization', 'Bearer junk'],
    ] as const;
    assert.equal(await principal(rules({}), { method: 'OPTIONS', headers: preflight }), undefined);
    for (const headers of [preflight.slice(1), [...preflight.slice(0, 1), ...preflight.slice(2)]]) {
      await refusal(rules({}), { method: 'OPTIONS', headers });
    }
    await refusal(rules({}), { method: 'GET', headers: preflight });
  });
});

describe('time', () => {
  const cases: readonly (readonly [string, object, string | undefined])[] = [
    ['no exp', {}, undefined],
    ['exp 59 s ago', { exp: now - 59 }, undefined],
    ['exp 61 s ago', { exp: now - 61 }, 'Jwt is expired'],
    ['exp 0', { exp: 0 }, 'Jwt is expired'],
    ['nbf in 59 s', { nbf: now + 59 }, undefined],
    ['nbf in 61 s', { nbf: now + 61 }, 'Jwt not yet valid'],
    ['iat in the future', { iat: now + 1000 }, undefined],
  ];
  for (const [name, claims, expected] of cases) {
    it(`${name}: ${expected ?? 'accepted'}`, async () => {
      const request = bearer(acme.token(claims));
      if (expected === undefined) assert.equal(await principal(rules({}), request), 'https://acme.example/alice');
      else assert.equal(await refusal(rules({}), request), expected);
    });
  }

  it('a token that was good is refused once its time is over', async () => {
    const own = new FakeClock();
    const only = rule({ issuer: acme.name, jwks: acme.jwks });
    const users = new EndUsers([only], sourcesOf(own).adopt([only]), own);
    const request = carrier(bearer(acme.token({ exp: own.now() / 1000 + 10 })));
    assert.equal((await users.identify(request)).denied, false);
    const again = users.identify(request);
    assert.ok(!(again instanceof Promise), 'what was verified is known at once');
    await own.advance(69_000);
    assert.equal((await users.identify(request)).denied, false);
    await own.advance(2_000);
    assert.equal((await users.identify(request)).denied, true);
  });
});

describe('audiences', () => {
  const cases: readonly (readonly [string, readonly string[] | undefined, unknown, boolean])[] = [
    ['not checked without audiences', undefined, 'anything', true],
    ['empty list: not checked', [], undefined, true],
    ['text that is one of them', ['a', 'b'], 'b', true],
    ['list with one of them', ['a'], ['x', 'a'], true],
    ['none of them', ['a'], ['x', 'y'], false],
    ['no aud at all', ['a'], undefined, false],
    ['no prefix match', ['a'], 'ab', false],
  ];
  for (const [name, audiences, aud, accepted] of cases) {
    it(name, async () => {
      const users = rules(audiences === undefined ? {} : { audiences });
      const request = bearer(acme.token(aud === undefined ? {} : { aud }));
      if (accepted) assert.equal(await principal(users, request), 'https://acme.example/alice');
      else assert.equal(await refusal(users, request), 'Audiences in Jwt are not allowed');
    });
  }
});

describe('locations', () => {
  const good = acme.token();
  const inHeader = (name: string, value: string): RequestParts => ({ headers: [[name, value]] });
  const cases: readonly (readonly [string, Partial<JwtRule>, RequestParts, boolean])[] = [
    ['default: Authorization: Bearer', {}, bearer(good), true],
    ['default: access_token', {}, { target: `/?a=1&access_token=${good}` }, true],
    ['default: an escaped name of the parameter', {}, { target: `/?access%5Ftoken=${good}` }, true],
    ['default: not a cookie', {}, inHeader('cookie', `access_token=${good}`), false],
    ['another scheme is no token', {}, inHeader('authorization', `Basic ${good}`), false],
    ['the prefix is exact', {}, inHeader('authorization', `bearer ${good}`), false],
    [
      'fromHeaders with prefix',
      { fromHeaders: [{ name: 'X-Jwt', prefix: 'Token:' }] },
      inHeader('x-jwt', `Token:${good}`),
      true,
    ],
    [
      'fromHeaders without the prefix',
      { fromHeaders: [{ name: 'X-Jwt', prefix: 'Token:' }] },
      inHeader('x-jwt', good),
      false,
    ],
    ['fromHeaders replaces Authorization', { fromHeaders: [{ name: 'x-jwt' }] }, bearer(good), false],
    [
      'fromHeaders replaces access_token',
      { fromHeaders: [{ name: 'x-jwt' }] },
      { target: `/?access_token=${good}` },
      false,
    ],
    ['fromParams', { fromParams: ['t'] }, { target: `/?t=${good}` }, true],
    ['fromParams replaces Authorization', { fromParams: ['t'] }, bearer(good), false],
    ['fromCookies', { fromCookies: ['session'] }, inHeader('cookie', `a=b; session=${good}; c=d`), true],
    ['fromCookies in quotes', { fromCookies: ['session'] }, inHeader('cookie', `session="${good}"`), true],
    ['fromCookies replaces Authorization', { fromCookies: ['session'] }, bearer(good), false],
  ];
  for (const [name, part, request, isToken] of cases) {
    it(`${name}: ${isToken ? 'a token' : 'none'}`, async () => {
      assert.equal(await principal(rules(part), request), isToken ? 'https://acme.example/alice' : undefined);
    });
  }
});

describe('several tokens in one request', () => {
  const users = rules({ fromParams: ['a', 'b'] });
  const good = acme.token();
  const bob = acme.token({ sub: 'bob' });
  const expired = acme.token({ exp: 1 });

  it('two parameters, one expired: refused', async () => {
    assert.equal(await refusal(users, { target: `/?a=${good}&b=${expired}` }), 'Jwt is expired');
    assert.equal(await refusal(users, { target: `/?a=${expired}&b=${good}` }), 'Jwt is expired');
  });

  it('the same parameter twice, one expired: refused', async () => {
    assert.equal(await refusal(users, { target: `/?a=${good}&a=${expired}` }), 'Jwt is expired');
  });

  it('two good tokens of different people: nobody could say whose request it is', async () => {
    assert.equal(await principal(users, { target: `/?a=${good}&b=${bob}` }), undefined);
  });

  it('the same token twice is one token', async () => {
    assert.equal(await principal(users, { target: `/?a=${good}&b=${good}` }), 'https://acme.example/alice');
  });
});

describe('several rules', () => {
  const both = rules({}, { issuer: other.name, jwks: other.jwks });

  it('each takes tokens of its issuer', async () => {
    assert.equal(await principal(both, bearer(acme.token())), 'https://acme.example/alice');
    assert.equal(await principal(both, bearer(other.token())), 'https://other.example/alice');
  });

  it('a key of one issuer signs nothing for the other', async () => {
    assert.equal(await refusal(both, bearer(acme.token({ iss: other.name }))), 'Jwt verification fails');
  });

  it('no token passes, a token of a stranger does not', async () => {
    assert.equal(await principal(both, {}), undefined);
    assert.equal(await refusal(both, bearer(stranger.token())), 'Jwt issuer is not configured');
  });

  it('two rules of one issuer: one that accepts the token is enough', async () => {
    const users = rules({ audiences: ['web'] }, { audiences: ['api'] });
    assert.equal(await principal(users, bearer(acme.token({ aud: 'api' }))), 'https://acme.example/alice');
    assert.equal(await refusal(users, bearer(acme.token({ aud: 'x' }))), 'Audiences in Jwt are not allowed');
  });

  const apart = rules(
    { fromHeaders: [{ name: 'x-user' }] },
    { issuer: other.name, jwks: other.jwks, fromHeaders: [{ name: 'x-service' }] },
  );
  const headers = (user: string, service: string): RequestParts => ({
    headers: [
      ['x-user', user],
      ['x-service', service],
    ],
  });

  it('in different places: good for one rule is enough, and only that one gives identity', async () => {
    const answer = await ask(apart, headers(acme.token(), other.token({ exp: 1 })));
    assert.ok(!answer.denied);
    assert.equal(answer.token?.principal, 'https://acme.example/alice');
    assert.deepEqual(answer.changes?.drop, ['x-user', 'x-service']);
  });

  it('in different places: both bad is refused, both good has no one identity', async () => {
    assert.equal(
      await refusal(apart, headers('junk', other.token({ exp: 1 }))),
      'Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections',
    );
    assert.equal(await principal(apart, headers(acme.token(), other.token())), undefined);
  });

  it('a rule without issuer takes whatever its keys have signed', async () => {
    const documents = new Map([['https://keys.example/', other.jwks]]);
    const complete = [rule({ issuer: '', jwksUri: 'https://keys.example/' })];
    const users = new EndUsers(complete, sourcesOf(clock, documents).adopt(complete), clock);
    assert.equal(await principal(users, bearer(other.token({ iss: 'x' }))), 'x/alice');
    assert.equal(await refusal(users, bearer(acme.token())), 'Jwt verification fails');
  });
});

describe('what the application gets', () => {
  const changes = async (part: Partial<JwtRule>, request: RequestParts): Promise<unknown> => {
    const answer = await ask(rules(part), request);
    assert.ok(!answer.denied, answer.denied ? answer.body : '');
    return answer.changes;
  };
  const good = acme.token({
    age: 42,
    admin: true,
    org: { unit: { name: 'x' } },
    list: ['a'],
    rate: 1.5,
    name: 'Łu\u00e9',
  });

  it('the header of the token is taken away unless it is forwarded; parameters and cookies stay', async () => {
    assert.deepEqual(await changes({}, bearer(good)), { drop: ['authorization'], set: [] });
    assert.equal(await changes({ forwardOriginalToken: true }, bearer(good)), undefined);
    assert.equal(await changes({}, { target: `/?access_token=${good}` }), undefined);
    assert.equal(await changes({ fromCookies: ['s'] }, { headers: [['cookie', `s=${good}`]] }), undefined);
  });

  it('it stays so for a token that is known', async () => {
    const users = rules({ outputPayloadToHeader: 'X-Payload' });
    const first = await ask(users, bearer(good));
    const second = users.identify(carrier(bearer(good)));
    assert.ok(!(second instanceof Promise));
    assert.deepEqual(second, first);
    const fromQuery = users.identify(carrier({ target: `/?access_token=${good}` }));
    assert.ok(!(fromQuery instanceof Promise));
    assert.deepEqual(fromQuery.changes?.drop, ['x-payload']);
  });

  it('outputPayloadToHeader: the payload, base64url without padding', async () => {
    const made = await changes({ outputPayloadToHeader: 'X-Payload', forwardOriginalToken: true }, bearer(good));
    assert.deepEqual(made, { drop: ['x-payload'], set: [['x-payload', good.split('.')[1]]] });
  });

  const claims: readonly (readonly [string, string, string | undefined])[] = [
    ['text', 'sub', 'alice'],
    ['whole number', 'age', '42'],
    ['truth value', 'admin', 'true'],
    ['nested', 'org.unit.name', 'x'],
    ['list: none', 'list', undefined],
    ['object: none', 'org', undefined],
    ['fraction: none', 'rate', undefined],
    ['absent: none', 'missing', undefined],
    ['not what every object has', 'constructor.name', undefined],
    ['characters outside ASCII, as their UTF-8 bytes', 'name', Buffer.from('Łu\u00e9').toString('latin1')],
  ];
  for (const [name, claim, value] of claims) {
    it(`outputClaimToHeaders, ${name}; what the client sent does not survive`, async () => {
      const part = { outputClaimToHeaders: [{ header: 'X-Claim', claim }], forwardOriginalToken: true };
      const expected = value === undefined ? [] : [['x-claim', value]];
      assert.deepEqual(await changes(part, bearer(good)), { drop: ['x-claim'], set: expected });
    });
  }

  it('a claim with a line break makes no header', async () => {
    const part = { outputClaimToHeaders: [{ header: 'x-claim', claim: 'sub' }], forwardOriginalToken: true };
    assert.deepEqual(await changes(part, bearer(acme.token({ sub: 'a\r\nx-admin: 1' }))), {
      drop: ['x-claim'],
      set: [],
    });
  });

  it('what the request is, and who has sent it, is for no claim to say', async () => {
    const outputClaimToHeaders = ['Host', 'content-length', 'X-Forwarded-Client-Cert', 'x-fine'].map((header) => ({
      header,
      claim: 'sub',
    }));
    const part = { outputClaimToHeaders, outputPayloadToHeader: 'Transfer-Encoding', forwardOriginalToken: true };
    assert.deepEqual(await changes(part, bearer(good)), { drop: ['x-fine'], set: [['x-fine', 'alice']] });
    const inHost = { fromHeaders: [{ name: 'Host' }] };
    assert.equal(await changes(inHost, { headers: [['host', good]] }), undefined);
  });

  it('without a token, and in a preflight, headers that only rules may write are taken away too', async () => {
    const part = { outputPayloadToHeader: 'X-Payload', outputClaimToHeaders: [{ header: 'X-Claim', claim: 'sub' }] };
    const drop = ['x-payload', 'x-claim'];
    assert.deepEqual(await changes(part, {}), { drop, set: [] });
    const preflight = [
      ['origin', 'https://shop.example'],
      ['access-control-request-method', 'PUT'],
    ] as const;
    assert.deepEqual(await changes(part, { method: 'OPTIONS', headers: preflight }), { drop, set: [] });
  });
});
