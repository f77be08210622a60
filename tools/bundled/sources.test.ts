import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { areUnchanged, stampsOf } from './sources.ts';

const folder = mkdtempSync(join(tmpdir(), 'stamps-'));
after(() => rmSync(folder, { recursive: true }));

/** A source, as it was a minute after 1970 began. */
function source(name: string): string {
  const path = join(folder, name);
  writeFileSync(path, 'one');
  utimesSync(path, 60, 60);
  return path;
}

test('a source that was changed, to another of the same length too, is noticed, and so is one that is gone', () => {
  const [written, removed] = [source('written.ts'), source('removed.ts')];
  const before = stampsOf([written]);
  assert.equal(areUnchanged(before), true);
  writeFileSync(written, 'two');
  assert.equal(areUnchanged(before), false);
  const both = stampsOf([removed]);
  rmSync(removed);
  assert.equal(areUnchanged(both), false);
});

test('to be made executable changes no source', () => {
  const path = source('program.ts');
  const before = stampsOf([path]);
  chmodSync(path, 0o755);
  assert.equal(areUnchanged(before), true);
});

test('manifests and the lockfile are held against what they were, too', () => {
  const paths = stampsOf([]).map(([path]) => path);
  for (const name of ['package-lock.json', 'packages/cli/package.json', 'tools/bundled/bundle.ts'])
    assert.ok(
      paths.some((path) => path.endsWith(`/${name}`)),
      name,
    );
});
