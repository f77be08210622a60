import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { recordable, withoutParams } from './target.ts';

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhIn0.c2ln';

describe('targets in records', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['/a', '/a'],
    ['/access_token', '/access_token'],
    ['http://ann:secret@api/a', 'http://[removed]@api/a'],
    ['HTTP://a@b:secret@api?c=@', 'HTTP://[removed]@api?c=@'],
    ['http://api/a@b', 'http://api/a@b'],
    ['/http://ann:secret@api', '/http://ann:secret@api'],
    ['/a?access_token', '/a?access_token=[removed]'],
    ['/a?access_token=x.y.z', '/a?access_token=[removed]'],
    ['/a?b=1&access_token=x&access_token=y&c=2', '/a?b=1&access_token=[removed]&access_token=[removed]&c=2'],
    ['/a?access%5Ftoken=x', '/a?access%5Ftoken=[removed]'],
    ['/a?b=1&%61ccess_token=x', '/a?b=1&%61ccess_token=[removed]'],
    ['/a?b%20c=access%5Ftoken', '/a?b%20c=access%5Ftoken'],
    ['/a?b=access_token', '/a?b=access_token'],
    ['/a?my_access_token=x', '/a?my_access_token=x'],
    [`/a?b=1&t=${JWT}&c=2`, '/a?b=1&t=[removed]&c=2'],
    [`/a?t=Bearer%20${JWT}`, '/a?t=[removed]'],
    [`/a?${JWT}`, '/a?[removed]'],
    [`/a?t=${JWT}%0A`, '/a?t=[removed]'],
    ['/a?t=eyJhbGciOiJIUzI1NiJ9', '/a?t=eyJhbGciOiJIUzI1NiJ9'],
    ['/eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhIn0.c2ln', '/eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhIn0.c2ln'],
  ];
  for (const [target, expected] of cases) it(target, () => assert.equal(recordable(target), expected));

  it('takes no longer for hostile texts than for others', () => {
    const hostile = `/a?t=${'eyJ'.repeat(200_000)}`;
    assert.equal(recordable(hostile), hostile);
    assert.equal(recordable(`/a?t=${'eyJ.'.repeat(200_000)}`).length, 800_005);
  });

  it('escaped names of the parameters that a policy names', () => {
    assert.equal(withoutParams('/a?t%6fken=x', new Set(['token'])), '/a?t%6fken=[removed]');
  });
});
