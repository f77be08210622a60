import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { rolldown } from 'rolldown';
import { runCommand } from '../command.ts';
import { repositoryRoot } from '../repository.ts';
import { lateRegex } from './late-regex.ts';

const PROGRAM = `
import { createRequire } from 'node:module';
import { parseRegex } from './regex.js';
const { cache } = createRequire(import.meta.url);
const loaded = () => Object.keys(cache).some((path) => path.endsWith('re2js.js'));
const before = loaded();
const shape = parseRegex('/orders/(.*)');
console.log(JSON.stringify({
  before,
  after: loaded(),
  matches: [shape.value.matches('/orders/1'), shape.value.matches('/users/1')],
  replaced: shape.value.replace('/orders/1', '/o/\\\\1'),
  refused: parseRegex('(').problem,
}));
`;

test('a bundle loads the engine of regular expressions when the first of them is compiled', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'late-regex-'));
  try {
    const regex = join(repositoryRoot, 'packages/core/src/policy/match/regex.ts');
    const build = await rolldown({ input: { regex }, platform: 'node', plugins: [lateRegex()] });
    await build.write({ dir: folder, format: 'esm', entryFileNames: '[name].js' });
    const { code, stdout, stderr } = await runCommand(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
      cwd: folder,
    });
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), {
      before: false,
      after: true,
      matches: [true, false],
      replaced: '/o/1',
      refused: 'is no regular expression of RE2: error parsing regexp: missing closing ): `(`',
    });
    assert.equal(stderr, '');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
