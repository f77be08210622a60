import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fencedBlocks } from './fences.ts';
import { partsOf } from './parts.ts';

function partsIn(text: string) {
  return fencedBlocks('seed.md', text).flatMap(partsOf);
}

test('a block of a language is one part', () => {
  const parts = partsIn('```mermaid\nflowchart TB\n```\n\n```python\nx = 1\n```');
  assert.deepEqual(
    parts.map(({ kind, line }) => [kind, line]),
    [
      ['picture', 1],
      ['python', 5],
    ],
  );
});

test('resources among prose are found, each at its line', () => {
  const parts = partsIn(
    '```\nMODES\n\n# strict\napiVersion: v1\nkind: A\n\n# lax\napiVersion: v1\nkind: B\n\nThe end\n```',
  );
  assert.deepEqual(
    parts.map(({ kind, line, text }) => [kind, line, text]),
    [
      ['resource', 5, 'apiVersion: v1\nkind: A'],
      ['resource', 9, 'apiVersion: v1\nkind: B'],
    ],
  );
});

test('a resource in a heredoc is a part beside the commands around it', () => {
  const parts = partsIn('```bash\napply -f - <<EOF\napiVersion: v1\nkind: A\nEOF\nlater\n```');
  assert.deepEqual(
    parts.map(({ kind }) => kind),
    ['commands', 'resource'],
  );
  assert.equal(parts[1]?.text, 'apiVersion: v1\nkind: A');
});

test('what stands in nested boxes is read without their frames', () => {
  const box = [
    '┌──────────────────────────┐',
    '│  Rules:                  │',
    '│  ┌────────────────────┐  │',
    '│  │ service "a" {      │  │',
    '│  │   policy = "read"  │  │',
    '│  │ }                  │  │',
    '│  └────────────────────┘  │',
    '└──────────────────────────┘',
  ];
  const parts = partsIn(['```', ...box, '```'].join('\n'));
  assert.deepEqual(
    parts.map(({ kind, text }) => [kind, text]),
    [['hcl', 'service "a" {\n  policy = "read"\n}']],
  );
});

test('identities named in a text are a part, placeholders are not', () => {
  const parts = partsIn('```\nspiffe://<trust-domain>/x\nURI: spiffe://a.example/ns/x/sa/y\n```');
  assert.deepEqual(
    parts.map(({ kind, text }) => [kind, text]),
    [['spiffe-ids', 'spiffe://a.example/ns/x/sa/y']],
  );
});

test('a fence that is never closed reaches to the end', () => {
  assert.equal(partsIn('```json\n{\n  "iss": "x"\n}').length, 1);
});
