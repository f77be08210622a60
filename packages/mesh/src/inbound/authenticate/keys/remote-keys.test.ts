import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { FakeClock } from '@rampart/testkit/fake-clock';

import { EndUsers } from '../end-users.ts';
import { bearer, carrier, rule, sourcesOf, TestIssuer } from '../issuer.fixture.ts';
import { RemoteKeys } from './remote-keys.ts';

const URI = 'https://acme.example/jwks.json';
const DISCOVERY = 'https://acme.example/.well-known/openid-configuration';

interface World {
  readonly clock: FakeClock;
  readonly issuer: TestIssuer;
  readonly documents: Map<string, string>;
  readonly asked: string[];
  readonly body: (token?: string) => Promise<string>;
}

/** Asks with a token, or without one for undefined; "" when let through. */
function world(documents = new Map<string, string>(), parts: { readonly jwksUri?: string } = { jwksUri: URI }): World {
  const clock = new FakeClock();
  const issuer = new TestIssuer('https://acme.example');
  const asked: string[] = [];
  const rules = [rule({ issuer: issuer.name, ...parts })];
  const users = new EndUsers(rules, sourcesOf(clock, documents, asked).adopt(rules), clock);
  const body = async (token?: string): Promise<string> => {
    const answer = await users.identify(carrier(token === undefined ? {} : bearer(token)));
    return answer.denied ? answer.body : '';
  };
  return { clock, issuer, documents, asked, body };
}

describe('keys by address', () => {
  it('are fetched before the first token, once', async () => {
    const { issuer, documents, asked, body } = world();
    documents.set(URI, issuer.jwks);
    assert.deepEqual(asked, [URI]);
    await body();
    const later = world(documents);
    assert.deepEqual(later.asked, [URI]);
    assert.equal(await later.body(issuer.token()), '');
    assert.equal(await later.body(issuer.token({ sub: 'bob' })), '');
    assert.deepEqual(later.asked, [URI]);
  });

  it('are refreshed in the background', async () => {
    const documents = new Map<string, string>();
    const { clock, issuer, asked, body } = world(documents);
    documents.set(URI, issuer.jwks);
    await clock.advance(1_000);
    assert.equal(asked.length, 2);
    await clock.advance(300_000);
    assert.equal(asked.length, 3);
    assert.equal(await body(issuer.token()), '');
  });

  it('an unknown key is looked for at once, and not again and again', async () => {
    const { clock, issuer, documents, asked, body } = world();
    documents.set(URI, issuer.jwks);
    await clock.advance(1_000);
    const next = new TestIssuer(issuer.name, 'key-2');
    documents.set(URI, JSON.stringify({ keys: [issuer.jwk, next.jwk] }));
    assert.equal(await body(next.token()), '');
    assert.equal(await body(issuer.token()), '');
    const before = asked.length;
    for (let attempt = 0; attempt < 100; attempt += 1) {
      const made = new TestIssuer(issuer.name, `made-up-${attempt}`);
      assert.equal(await body(made.token()), "Jwks doesn't have key to match kid or alg from Jwt");
    }
    assert.equal(asked.length, before);
  });

  it('a key that is taken back takes its tokens with it, also those that were verified before', async () => {
    const { clock, issuer, documents, body } = world();
    documents.set(URI, issuer.jwks);
    await clock.advance(1_000);
    const token = issuer.token();
    assert.equal(await body(token), '');
    documents.set(URI, new TestIssuer(issuer.name, 'key-2').jwks);
    await clock.advance(300_000);
    assert.equal(await body(token), "Jwks doesn't have key to match kid or alg from Jwt");
  });
});

describe('an issuer that is away', () => {
  it('without keys: tokens are refused, requests without a token pass', async () => {
    const { issuer, body } = world();
    assert.equal(await body(issuer.token()), 'Jwks remote fetch is failed');
    assert.equal(await body(), '');
  });

  it('hangs: a bounded number of tokens waits, the others are refused at once', async () => {
    const clock = new FakeClock();
    const log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };
    let answer = (_text: string): void => {};
    const fetch = (): Promise<string> => new Promise((resolve) => (answer = resolve));
    const keys = new RemoteKeys({ name: URI, fetch, clock, random: () => 0, log });
    let settled = 0;
    for (let token = 0; token < 1100; token += 1) void keys.refreshed().then(() => (settled += 1));
    await clock.advance(0);
    assert.equal(settled, 75);
    answer(new TestIssuer('https://acme.example').jwks);
    await clock.advance(0);
    assert.equal(settled, 1100);
  });

  it('is asked later and later', async () => {
    const { clock, asked } = world();
    await clock.advance(60_000);
    assert.equal(asked.length, 6);
    await clock.advance(3_600_000);
    assert.ok(asked.length > 12 && asked.length < 30, String(asked.length));
  });

  it('with keys: the last ones serve, for a week', async () => {
    const { clock, issuer, documents, body } = world();
    documents.set(URI, issuer.jwks);
    await clock.advance(1_000);
    documents.clear();
    await clock.advance(6 * 24 * 3_600_000);
    assert.equal(await body(issuer.token()), '');
    await clock.advance(2 * 24 * 3_600_000);
    assert.equal(await body(issuer.token()), 'Jwks remote fetch is failed');
  });

  it('answers with nonsense: the last keys serve', async () => {
    const { clock, issuer, documents, body } = world();
    documents.set(URI, issuer.jwks);
    await clock.advance(1_000);
    documents.set(URI, '{"keys":[]}');
    await clock.advance(400_000);
    assert.equal(await body(issuer.token()), '');
  });
});

describe('discovery', () => {
  const found = (document: object, jwksUri = URI): [World, Map<string, string>] => {
    const documents = new Map([[DISCOVERY, JSON.stringify(document)]]);
    const made = world(documents, {});
    documents.set(jwksUri, made.issuer.jwks);
    return [made, documents];
  };

  it('finds the keys of an issuer that names itself', async () => {
    const [{ issuer, body, asked }] = found({ issuer: 'https://acme.example', jwks_uri: URI });
    assert.equal(await body(issuer.token()), '');
    assert.deepEqual(asked, [DISCOVERY, URI]);
  });

  const refused: readonly (readonly [string, object, string])[] = [
    ['another issuer', { issuer: 'https://evil.example', jwks_uri: URI }, URI],
    ['no keys', { issuer: 'https://acme.example' }, URI],
    [
      'keys over plain http',
      { issuer: 'https://acme.example', jwks_uri: 'http://acme.example/keys' },
      'http://acme.example/keys',
    ],
    ['keys in a file', { issuer: 'https://acme.example', jwks_uri: 'file:///etc/passwd' }, 'file:///etc/passwd'],
  ];
  for (const [name, document, uri] of refused) {
    it(`a document with ${name} is not used`, async () => {
      const [{ issuer, body }] = found(document, uri);
      assert.equal(await body(issuer.token()), 'Jwks remote fetch is failed');
    });
  }
});
