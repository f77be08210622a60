import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RampartError, TrustDomain } from '../index.ts';

const accepted = ['cluster.local', 'example.org', 'a', '10.0.0.1', 'under_score', '-', 'a'.repeat(255)];
const refused: readonly [name: string, text: string, problem: RegExp][] = [
  ['an empty name', '', /must not be empty/],
  ['more than 255 bytes', 'a'.repeat(256), /at most 255 bytes/],
  ['upper case, with a hint', 'Cluster.Local', /must be lower case/],
  ['a port', 'example.org:8443', /may only hold/],
  ['an IPv6 literal', '[::1]', /may only hold/],
  ['percent-encoding', 'example%2eorg', /may only hold/],
  ['a path', 'example.org/a', /may only hold/],
  ['a letter outside ASCII', 'exämple.org', /may only hold/],
];

for (const name of accepted) {
  test(`a trust domain may be ${name.slice(0, 20)}`, () => {
    const parsed = TrustDomain.parse(name);
    assert.ok(parsed.ok);
    assert.equal(parsed.value.toString(), name);
    assert.ok(parsed.value.equals(TrustDomain.of(name)));
  });
}

for (const [name, text, problem] of refused) {
  test(`a trust domain refuses ${name}`, () => {
    const parsed = TrustDomain.parse(text);
    assert.ok(!parsed.ok);
    assert.match(parsed.problem, problem);
    assert.throws(
      () => TrustDomain.of(text),
      (error) => error instanceof RampartError && error.code === 'INVALID_TRUST_DOMAIN',
    );
  });
}
