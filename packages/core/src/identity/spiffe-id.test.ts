import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RampartError, SpiffeId, TrustDomain } from '../index.ts';

const accepted: readonly [name: string, text: string, path: string][] = [
  ['a workload', 'spiffe://cluster.local/ns/default/sa/users-api', '/ns/default/sa/users-api'],
  ['a trust domain alone', 'spiffe://cluster.local', ''],
  ['a segment that starts with a dot', 'spiffe://td/.path', '/.path'],
  ['a segment that starts with two dots', 'spiffe://td/..path', '/..path'],
  ['a segment of three dots', 'spiffe://td/...', '/...'],
  ['upper case in the path', 'spiffe://td/Path', '/Path'],
  ['2048 bytes', `spiffe://td/${'a'.repeat(2048 - 12)}`, `/${'a'.repeat(2048 - 12)}`],
];
const refused: readonly [name: string, text: string, problem: RegExp][] = [
  ['another scheme', 'https://td/a', /must start with spiffe:/],
  ['an upper-case scheme', 'Spiffe://td/a', /must start with spiffe:/],
  ['an upper-case trust domain', 'spiffe://TD/a', /lower case/],
  ['no trust domain', 'spiffe:///a', /must not be empty/],
  ['a slash at the end', 'spiffe://td/a/', /must not end with/],
  ['a slash and nothing else', 'spiffe://td/', /must not end with/],
  ['an empty segment', 'spiffe://td/a//b', /segment must not be empty/],
  ['a dot segment', 'spiffe://td/a/./b', /"\." or "\.\."/],
  ['a double-dot segment', 'spiffe://td/a/../b', /"\." or "\.\."/],
  ['percent-encoding', 'spiffe://td/a%20b', /may only hold/],
  ['a query', 'spiffe://td/a?b', /may only hold/],
  ['a fragment', 'spiffe://td/a#b', /may only hold/],
  ['user information', 'spiffe://me@td/a', /may only hold/],
  ['a port', 'spiffe://td:80/a', /may only hold/],
  ['2049 bytes', `spiffe://td/${'a'.repeat(2049 - 12)}`, /at most 2048 bytes/],
];

for (const [name, text, path] of accepted) {
  test(`a SPIFFE ID may have ${name}`, () => {
    const parsed = SpiffeId.parse(text);
    assert.ok(parsed.ok);
    assert.equal(parsed.value.path, path);
    assert.equal(parsed.value.toString(), text);
    assert.equal(`spiffe://${parsed.value.principal}`, text);
  });
}

for (const [name, text, problem] of refused) {
  test(`a SPIFFE ID refuses ${name}`, () => {
    const parsed = SpiffeId.parse(text);
    assert.ok(!parsed.ok);
    assert.match(parsed.problem, problem);
    assert.throws(
      () => SpiffeId.of(text),
      (error) => error instanceof RampartError && error.code === 'INVALID_SPIFFE_ID',
    );
  });
}

test('a workload ID names its namespace and service account, any other form names neither', () => {
  const id = SpiffeId.forWorkload(TrustDomain.of('cluster.local'), 'shop', 'orders-api');
  assert.equal(id.toString(), 'spiffe://cluster.local/ns/shop/sa/orders-api');
  assert.deepEqual([id.namespace, id.serviceAccount], ['shop', 'orders-api']);
  for (const other of ['spiffe://td', 'spiffe://td/ns/shop', 'spiffe://td/ns/a/sa/b/c', 'spiffe://td/x/ns/a/sa/b']) {
    assert.deepEqual([SpiffeId.of(other).namespace, SpiffeId.of(other).serviceAccount], [undefined, undefined]);
  }
});

test('a workload ID cannot be made of parts that would change its path', () => {
  const domain = TrustDomain.of('td');
  for (const part of ['', '.', '..', 'a/b', 'a b', '%61']) {
    assert.throws(() => SpiffeId.forWorkload(domain, part, 'a'), { code: 'INVALID_SPIFFE_ID' });
    assert.throws(() => SpiffeId.forWorkload(domain, 'a', part), { code: 'INVALID_SPIFFE_ID' });
  }
});

test('what parses is written back as it was, and reads back equal', () => {
  const segment = fc.stringMatching(/^[A-Za-z0-9._-]{1,12}$/).filter((text) => text !== '.' && text !== '..');
  const domain = fc.stringMatching(/^[a-z0-9._-]{1,20}$/);
  fc.assert(
    fc.property(domain, fc.array(segment, { maxLength: 6 }), (name, segments) => {
      const text = `spiffe://${[name, ...segments].join('/')}`;
      const id = SpiffeId.of(text);
      assert.equal(id.toString(), text);
      assert.ok(SpiffeId.of(id.toString()).equals(id));
    }),
  );
});

test('any text either is refused or is written back as it was', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `spiffe://${text}`),
      ),
      (text) => {
        const parsed = SpiffeId.parse(text);
        if (parsed.ok) assert.equal(parsed.value.toString(), text);
      },
    ),
  );
});
