import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TextTrie, type Direction, type TrieNode } from './text-trie.ts';

interface Pattern {
  readonly text: string;
  readonly form: 'exact' | 'prefix';
}

function matchesOf(patterns: readonly Pattern[], direction: Direction, text: string): string[] {
  const trie = new TextTrie<string>(direction);
  for (const { text: wanted, form } of patterns) trie.add(wanted, form, `${form} ${wanted}`);
  const found = trie.seal().find(text);
  const matches = found.depth === text.length ? [...found.exact] : [];
  for (let node: TrieNode<string> | undefined = found; node !== undefined; node = node.up) matches.push(...node.prefix);
  return matches.toSorted();
}

const word = fc.array(fc.constantFrom('/', 'a', 'b', 'ab', 'é', '😀'), { maxLength: 6 }).map((parts) => parts.join(''));
const pattern: fc.Arbitrary<Pattern> = fc.record({ text: word, form: fc.constantFrom('exact', 'prefix') });

test('one walk finds what comparing with each pattern finds', () => {
  fc.assert(
    fc.property(fc.array(pattern, { maxLength: 12 }), word, (patterns, text) => {
      const plain = (isAffix: (affix: string) => boolean): string[] =>
        patterns
          .filter(({ text: wanted, form }) => (form === 'exact' ? wanted === text : isAffix(wanted)))
          .map(({ text: wanted, form }) => `${form} ${wanted}`)
          .toSorted();
      assert.deepEqual(
        matchesOf(patterns, 'forwards', text),
        plain((affix) => text.startsWith(affix)),
      );
      assert.deepEqual(
        matchesOf(patterns, 'backwards', text),
        plain((affix) => text.endsWith(affix)),
      );
    }),
    { numRuns: 3000 },
  );
});
