import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { followDocument } from '../docs.ts';
import { missingLine } from './session.ts';

const fence = '```';
const root = mkdtempSync(join(tmpdir(), 'rampart-docs-test-'));
after(() => rmSync(root, { recursive: true, force: true }));

function follow(...lines: string[]): Promise<string[]> {
  return followAs('README.md', ...lines);
}

function followAs(file: string, ...lines: string[]): Promise<string[]> {
  mkdirSync(root, { recursive: true });
  writeFileSync(join(root, file), lines.join('\n'));
  return followDocument(root, file);
}

test('blocks run in order in one folder, and what they write stays out of the repository', async () => {
  const problems = await follow(`${fence}sh`, 'echo one > file', fence, `${fence}console`, '$ cat file', 'one', fence);
  assert.deepEqual(problems, []);
});

test("npx starts the program that is installed, by npm's own hand or directly", async () => {
  const programs = join(root, 'node_modules/.bin');
  mkdirSync(programs, { recursive: true });
  const script =
    '#!/bin/sh\n[ "$npm_command" = exec ] || how=directly\necho "hello ${1-} ${2-} ${how-by npm}"; exit 4\n';
  writeFileSync(join(programs, 'greet'), script, { mode: 0o755 });
  const block = (how: string): string[] => [
    `${fence}console exit=4`,
    '$ npx greet "a b" -c',
    `hello a b -c ${how}`,
    fence,
  ];
  assert.deepEqual(await followAs('README.md', ...block('by npm')), []);
  assert.deepEqual(await followAs('SECURITY.md', ...block('directly')), []);
  const missing = await followAs('SECURITY.md', `${fence}sh`, 'npx no-such-program', fence);
  assert.match(missing.join(), /exited with 127, not 0:[^]*no-such-program is not installed/);
});

test('a background block is up before the next one runs, and down at the end', async () => {
  const problems = await follow(
    `${fence}sh background until="up at last"`,
    'echo up at last; echo $$ > pid; exec sleep 100',
    fence,
    `${fence}sh`,
    'until [ -s pid ]; do :; done; kill -0 "$(cat pid)"',
    fence,
  );
  assert.deepEqual(problems, []);
});

test('an exit code other than promised is a problem, with the output', async () => {
  assert.match(
    (await follow(`${fence}sh`, 'echo trouble; exit 3', fence)).join(),
    /README\.md:1 {2}exited with 3, not 0:[^]*trouble/,
  );
  assert.deepEqual(await follow(`${fence}sh exit=3`, 'exit 3', fence), []);
});

test('a background block that ends without its line is a problem', async () => {
  const problems = await follow(`${fence}sh background until="up"`, 'echo no such port', fence);
  assert.match(problems.join(), /never printed "up", but:\nno such port/);
});

test('promised lines appear in order, "…" stands for anything', () => {
  assert.equal(missingLine(['a', 'took … ms'], 'x\na\ntook 12 ms\n'), undefined);
  assert.equal(missingLine(['b', 'a'], 'a\nb\n'), 'a');
});
