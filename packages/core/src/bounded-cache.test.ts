import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BoundedCache } from './bounded-cache.ts';

test('what is asked for stays, what is not goes', () => {
  const cache = new BoundedCache<number, string>(10);
  for (let key = 0; key < 100; key += 1) {
    cache.set(key, String(key));
    assert.equal(cache.get(0), '0');
  }
  const kept = Array.from({ length: 100 }, (_, key) => cache.get(key)).filter((value) => value !== undefined);
  assert.ok(kept.length >= 10 && kept.length <= 20, `${kept.length} kept`);
});
