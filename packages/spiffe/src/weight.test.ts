import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, it } from 'node:test';

const source = import.meta.dirname;

/** The files of this package that a file loads, itself included. Type imports load nothing. */
function loadedBy(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(file, 'utf8');
  for (const [, specifier = ''] of text.matchAll(/^(?:import|export) (?!type )[^;]*? from '(\.[^']+)'/gmu)) {
    loadedBy(join(dirname(file), specifier), seen);
  }
  return seen;
}

describe('what a data plane needs', () => {
  for (const file of [
    'svid/verify.ts',
    'csr.ts',
    'key-pair.ts',
    'pem.ts',
    'bundle/trust-bundle.ts',
    'bundle/read.ts',
    'jwt-svid/verify.ts',
    'crl/parse.ts',
  ]) {
    it(`${file} loads nothing that issues certificates`, () => {
      const loaded = [...loadedBy(join(source, file))].map((path) => relative(source, path));
      assert.ok(loaded.includes(file));
      assert.deepEqual(
        loaded.filter((path) => path.startsWith('issuance/') || path.startsWith('testing/')),
        [],
      );
    });
  }

  it('the canary: index.ts does load the builder', () => {
    const loaded = loadedBy(join(source, 'index.ts'));
    assert.ok(loaded.has(join(source, 'issuance/builder.ts')) && loaded.has(join(source, 'der/reader.ts')));
  });
});
