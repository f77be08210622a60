import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingPlatforms, platformEntry } from './lockfile.ts';

test('an optional dependency without an entry is missing', () => {
  const packages = {
    'node_modules/tool': { optionalDependencies: { 'tool-linux-x64': '1.0.0', 'tool-darwin-x64': '1.0.0' } },
    'node_modules/tool-linux-x64': { version: '1.0.0' },
  };
  assert.deepEqual([...missingPlatforms({ packages })], [['tool-darwin-x64', '1.0.0']]);
});

const names = {
  '@oxlint/binding-linux-arm64-musl': { os: ['linux'], cpu: ['arm64'], libc: ['musl'] },
  '@oxlint/binding-linux-arm-gnueabihf': { os: ['linux'], cpu: ['arm'], libc: ['glibc'] },
  '@oxlint/binding-win32-x64-msvc': { os: ['win32'], cpu: ['x64'] },
  '@bufbuild/buf-linux-armv7': { os: ['linux'], cpu: ['arm'] },
  '@rolldown/binding-wasm32-wasi': { cpu: ['wasm32'] },
} as const;

for (const [name, expected] of Object.entries(names)) {
  test(`the platform of ${name} is in its name`, () => {
    assert.deepEqual(platformEntry(name, '1.0.0'), { version: '1.0.0', dev: true, optional: true, ...expected });
  });
}

test('a name without a platform is not guessed', () => {
  assert.throws(() => platformEntry('fsevents', '2.0.0'), /npm install/);
});
