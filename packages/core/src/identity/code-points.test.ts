import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpiffeId, TrustDomain } from '../index.ts';

const LAST_CODE_POINT = 0x10_ffff;

/** Code points for which `accepts` holds, as one text. Lone surrogates are among those that are tried. */
function accepted(accepts: (character: string) => boolean): string {
  let text = '';
  for (let code = 0; code <= LAST_CODE_POINT; code += 1) {
    const character = String.fromCodePoint(code);
    if (accepts(character)) text += character;
  }
  return text;
}

const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const DIGITS = '0123456789';

test('a trust domain has these characters and no other code point (SPIFFE-ID §2.1)', () => {
  const found = accepted((character) => TrustDomain.parse(`a${character}b`).ok);
  assert.equal(found, `-.${DIGITS}_${LOWER}`);
});

test('a path segment has these characters and no other code point (SPIFFE-ID §2.2)', () => {
  const found = accepted((character) => {
    const id = SpiffeId.parse(`spiffe://td/a${character}b`);
    return id.ok && character !== '/';
  });
  assert.equal(found, `-.${DIGITS}${LOWER.toUpperCase()}_${LOWER}`);
});

test('a segment of one code point is one of these: "." alone is none (SPIFFE-ID §2.2)', () => {
  const found = accepted((character) => SpiffeId.parse(`spiffe://td/${character}`).ok);
  assert.equal(found, `-${DIGITS}${LOWER.toUpperCase()}_${LOWER}`);
});

test('no code point may stand before the scheme, in it, or at the end', () => {
  assert.equal(
    accepted((character) => SpiffeId.parse(`${character}spiffe://td/a`).ok),
    '',
  );
  assert.equal(
    accepted((character) => SpiffeId.parse(`spiffe${character}://td/a`).ok),
    '',
  );
  assert.equal(
    accepted((character) => SpiffeId.parse(`spiffe://td/a/${character}/`).ok),
    '',
  );
});
