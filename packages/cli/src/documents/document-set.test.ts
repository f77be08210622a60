import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { joinDocuments } from './document-set.ts';

suite('several files as one document', () => {
  const joined = joinDocuments([
    { file: 'a.yaml', text: 'a: 1\nb: 2\n' },
    { file: 'b.yaml', text: 'c: 3' },
    { file: 'c.json', text: '{"d": 4}\n' },
  ]);

  test('are kept apart by the end mark of YAML', () => {
    assert.equal(joined.text, 'a: 1\nb: 2\n\n...\nc: 3\n...\n{"d": 4}\n');
    assert.equal(joined.file, 'a.yaml, b.yaml, c.json');
  });

  test('every line is traced back to its file', () => {
    const lines = joined.text.split('\n');
    for (const [text, file, line] of [
      ['a: 1', 'a.yaml', 1],
      ['b: 2', 'a.yaml', 2],
      ['c: 3', 'b.yaml', 1],
      ['{"d": 4}', 'c.json', 1],
    ] as const) {
      assert.deepEqual(joined.originOf(lines.indexOf(text) + 1), { file, line });
    }
    assert.equal(joined.originOf(0).line, 0);
  });
});
