import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepingLast } from './last-answer.ts';

test('what is asked again is not worked out again, unless something else was asked in between', () => {
  const worked: string[] = [];
  const doubled = keepingLast((text: string) => {
    worked.push(text);
    return `${text}${text}`;
  });
  assert.deepEqual(['a', 'a', '', '', 'a'].map(doubled), ['aa', 'aa', '', '', 'aa']);
  assert.deepEqual(worked, ['a', '', 'a']);
});
