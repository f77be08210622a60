import assert from 'node:assert/strict';
import { test } from 'node:test';

import { expositionText } from './families.ts';
import { limitFamilies } from './limit-families.ts';

test('hits of limits are told by policy, rule and mode', () => {
  const hits = [{ policy: 'shop/limits', rule: 'callers', isShadow: false, refused: 3 }];
  assert.match(
    expositionText(limitFamilies({ hits })),
    /^rampart_limit_hits_total\{policy="shop\/limits",rule="callers",mode="ENFORCE"\} 3$/m,
  );
  assert.equal(expositionText(limitFamilies({ hits: [] })), '');
});
