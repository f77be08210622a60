import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { TestIssuer } from './issuer.fixture.ts';
import { inlineKeys } from './keys/key-source.ts';
import { KeySet } from './keys/key-set.ts';
import { parseToken } from './token/parse.ts';
import { VerifiedTokens } from './verified-tokens.ts';
import type { VerifiedToken } from './verified-tokens.ts';

const issuer = new TestIssuer('https://acme.example');
const parsed = KeySet.parse(issuer.jwks, { secrets: false });
assert.ok(parsed.ok);
const keys = parsed.value;
const source = inlineKeys(keys);

/** A token of this many characters, more or less, that differs from others by its number. */
function verified(number: number, padding: number): VerifiedToken {
  const token = parseToken(issuer.token({ number, padding: 'x'.repeat(padding) }));
  assert.ok(token.ok);
  return { token: token.value, source, keys };
}

const kept = (known: VerifiedTokens<VerifiedToken>, all: readonly VerifiedToken[]): number =>
  all.filter(({ token }) => known.get(token.text) !== undefined).length;

describe('tokens that were verified', () => {
  it('are known again until they are dropped', () => {
    const known = new VerifiedTokens<VerifiedToken>();
    const one = verified(1, 0);
    known.put(one);
    assert.equal(known.get(one.token.text), one);
    known.drop(one.token.text);
    assert.equal(known.get(one.token.text), undefined);
  });

  it('are forgotten when the keys of their issuer change', () => {
    const known = new VerifiedTokens<VerifiedToken>();
    const one = { ...verified(1, 0), source: inlineKeys(undefined) };
    known.put(one);
    assert.equal(known.get(one.token.text), undefined);
  });

  it('are as many as fit into 4 Mi characters, the newest', () => {
    const known = new VerifiedTokens<VerifiedToken>();
    const all = Array.from({ length: 400 }, (_, number) => verified(number, 11_000));
    for (const one of all) known.put(one);
    const fitting = Math.floor(4_194_304 / (all[399]?.token.text.length ?? 1));
    assert.ok(Math.abs(kept(known, all) - fitting) <= 1, `${kept(known, all)} of ${fitting}`);
    assert.equal(kept(known, all.slice(-fitting + 1)), fitting - 1);
  });

  it('that are verified again take no more room', () => {
    const known = new VerifiedTokens<VerifiedToken>();
    const [one, two] = [verified(1, 11_000), verified(2, 11_000)];
    for (let time = 0; time < 1000; time += 1) known.put(one);
    known.put(two);
    assert.equal(kept(known, [one, two]), 2);
  });
});
