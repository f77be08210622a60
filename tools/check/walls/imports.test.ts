import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseSource } from '../source.ts';
import { moduleImports, packageOf } from './imports.ts';

const folder = mkdtempSync(join(tmpdir(), 'rampart-imports-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const forms = {
  'a static import': `import { a } from 'wanted';`,
  'a type import': `import type { A } from 'wanted';`,
  'a bare import': `import 'wanted';`,
  'a re-export': `export { a } from 'wanted';`,
  'a star re-export': `export * from 'wanted';`,
  'a dynamic import': `const later = () => import('wanted');`,
  'a type of a module': `export type T = import('wanted').T;`,
  'an import assignment': `import a = require('wanted');`,
  'a require': `const a = require('wanted');`,
  'a resolved module': `const url = import.meta.resolve('wanted');`,
} as const;

for (const [form, text] of Object.entries(forms)) {
  test(`${form} is an import`, () => {
    writeFileSync(join(folder, 'source.ts'), `\n${text}`);
    assert.deepEqual(moduleImports(parseSource(folder, 'source.ts')), [{ specifier: 'wanted', line: 2 }]);
  });
}

test('a specifier names its package', () => {
  assert.equal(packageOf('@rampart/core/documents'), '@rampart/core');
  assert.equal(packageOf('yaml/util'), 'yaml');
});
