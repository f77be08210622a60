import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineCounter } from 'yaml';
import { composeDocuments } from './compose.ts';

const LIMITS = { depth: 8, tokens: 1000, most: 100, mistakes: 20 };

/** Texts without end, a few characters at a time; each line of them is work that a counter of lines can see. */
const endless: readonly [fact: string, unit: string, head?: string][] = [
  ['empty lines', '\n'],
  ['empty documents', '---\n'],
  ['elements', '- a\n'],
  ['comments', '#\n'],
  ['lists in lists', '[\n'],
  ['maps in maps', '{a:\n'],
  ['elements in elements', '- - -\n'],
  ['explicit keys', '? a\n'],
  ['commas', ',\n', '['],
  ['a plain value without end', 'a\n', 'k: '],
  ['anchors', '&a\n'],
  ['aliases', '- *a\n', '- &a b\n'],
  ['tags', '!a\n'],
  ['directives', '%A b\n'],
  ['versions', '%YAML 1.2\n'],
  ['wrong escapes', '- "\\x"\n'],
  ['block scalars', '- |\n x\n'],
  ['keys that are lists', '? [a]\n: b\n'],
  ['ends of flow', ']\n'],
  ['ends of documents', '...\n'],
];

for (const [fact, unit, head = ''] of endless) {
  test(`a text of ${fact} is read no further than a limit allows`, () => {
    const lines = new LineCounter();
    const { documents, stopped } = composeDocuments(head + unit.repeat(100_000), { lines, ...LIMITS });
    assert.equal(documents.length, 0);
    assert.ok(stopped !== undefined, 'it was read to its end');
    assert.ok(lines.lineStarts.length <= LIMITS.tokens + 2, `${lines.lineStarts.length} lines were read`);
  });
}

test('a text of more documents than allowed is read no further', () => {
  const read = (count: number) => composeDocuments('---\n'.repeat(count), { lines: new LineCounter(), ...LIMITS });
  assert.equal(read(LIMITS.most).documents.length, LIMITS.most);
  for (const more of [1, 2, 50]) {
    const { documents, stopped } = read(LIMITS.most + more);
    assert.equal(documents.length, 0);
    assert.equal(stopped?.message, 'holds more than 100 documents: split it into parts');
  }
});

for (const [fact, tag] of [
  ['an ordered map', '!!omap'],
  ['a list of pairs', '!!pairs'],
] as const) {
  test(`the tag of ${fact} has no reader that compares every key with every other`, () => {
    const entries = Array.from({ length: 100 }, (_, index) => `k${index}: 1`).join();
    const { documents } = composeDocuments(`${tag} [${entries}]`, {
      lines: new LineCounter(),
      ...LIMITS,
      tokens: 5000,
    });
    assert.equal(documents[0]?.contents?.constructor.name, 'YAMLSeq');
  });
}

test('as many mistakes as allowed are left to be listed, one more ends the reading', () => {
  const mistakes = (count: number): string => `[${',\n'.repeat(count)}`;
  const read = (text: string) => composeDocuments(text, { lines: new LineCounter(), ...LIMITS });
  // The list that is never closed is one of them.
  assert.equal(read(mistakes(LIMITS.mistakes - 1)).documents[0]?.errors.length, LIMITS.mistakes);
  const { stopped } = read(mistakes(LIMITS.mistakes));
  assert.equal(stopped?.code, 'INVALID_YAML');
  assert.match(
    stopped.message,
    /^unexpected , in flow sequence; with it there are more than 20 mistakes: is this YAML\?$/,
  );
  assert.equal(stopped.offset, 3);
});
