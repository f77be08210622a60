import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseSource } from '../source.ts';
import { syntaxFindings } from './syntax.ts';

const folder = mkdtempSync(join(tmpdir(), 'rampart-house-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function rulesBroken(text: string, path = 'packages/a/src/a.ts'): string[] {
  mkdirSync(join(folder, 'packages/a/src'), { recursive: true });
  writeFileSync(join(folder, path), text);
  return syntaxFindings(parseSource(folder, path)).map(({ rule }) => rule);
}

const broken = [
  { rule: 'reject-unauthorized', text: `connect({ 'rejectUnauthorized': false });` },
  { rule: 'reject-unauthorized', text: `options.rejectUnauthorized = false;` },
  { rule: 'double-assertion', text: `const a = b as unknown as string;` },
  { rule: 'export-star', text: `export * from './b.ts';` },
  { rule: 'raw-clock', text: `const now = new Date();` },
];

for (const { rule, text } of broken) {
  test(`${rule}: ${text}`, () => assert.deepEqual(rulesBroken(text), [rule]));
}

const allowed = [
  `connect({ rejectUnauthorized: true });`,
  `const at = new Date(0);`,
  `const a = b as string;`,
  `// waiver: reject-unauthorized -- the chain is verified by our own verifier\nconnect({ rejectUnauthorized: false });`,
];

for (const text of allowed) {
  test(`allowed: ${text.replace('\n', ' ')}`, () => assert.deepEqual(rulesBroken(text), []));
}

test('a waiver without a reason waives nothing', () => {
  assert.deepEqual(rulesBroken(`// waiver: raw-clock\nconst now = new Date();`), ['raw-clock']);
});

test('tests may read the clock, and may not sleep', () => {
  const path = 'packages/a/src/a.test.ts';
  assert.deepEqual(rulesBroken(`const now = new Date();`, path), []);
  assert.deepEqual(rulesBroken(`import { setTimeout } from 'node:timers/promises';\nawait setTimeout(100);`, path), [
    'sleeping-test',
  ]);
});
