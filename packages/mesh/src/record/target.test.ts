import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { recordable, withoutParams } from './target.ts';

describe('targets in records', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['/a', '/a'],
    ['/access_token', '/access_token'],
    ['/a?access_token', '/a?access_token=[removed]'],
    ['/a?access_token=x.y.z', '/a?access_token=[removed]'],
    ['/a?b=1&access_token=x&access_token=y&c=2', '/a?b=1&access_token=[removed]&access_token=[removed]&c=2'],
    ['/a?b=access_token', '/a?b=access_token'],
    ['/a?my_access_token=x', '/a?my_access_token=x'],
  ];
  for (const [target, expected] of cases) it(target, () => assert.equal(recordable(target), expected));

  it('escaped names of the parameters that a policy names', () => {
    assert.equal(withoutParams('/a?t%6fken=x', new Set(['token'])), '/a?t%6fken=[removed]');
  });
});
