import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reasonToStayApart } from './sharing.ts';

const head = "import { test } from 'node:test';\n";

const apart: readonly (readonly [rule: string, path: string, source: string])[] = [
  ['what reads or changes the environment', 'packages/core/src/a.test.ts', `${head}process.env['A'] = '1';`],
  ['what listens to the process', 'packages/core/src/a.test.ts', `${head}process.on('exit', end);`],
  ['what replaces the clock', 'packages/core/src/a.test.ts', `${head}mock.timers.enable();`],
  ['what changes a global', 'packages/core/src/a.test.ts', `${head}globalThis.fetch = other;`],
  ['what measures time', 'packages/core/src/a.test.ts', `${head}const start = performance.now();`],
  ['what starts processes', 'packages/core/src/a.test.ts', `import { spawn } from 'node:child_process';\n${head}`],
  ['what prepares every test, wherever that stands', 'packages/core/src/a.test.ts', `${head}beforeEach(reset);`],
  ['what hooks into Node', 'packages/node/src/a.test.ts', head],
  ['what opens connections', 'packages/mesh/src/a.test.ts', head],
  ['whole systems', 'test/scenarios/a.test.ts', head],
  [
    'what has its tests from another file',
    'packages/core/src/a.test.ts',
    "import { conform } from './conformance.ts';",
  ],
];

for (const [rule, path, source] of apart) {
  test(`apart: ${rule}`, () => assert.notEqual(reasonToStayApart(path, source), undefined));
}

test('together: what touches only its own', () => {
  const source = `${head}suite('x', () => {\n  before(start);\n  afterEach(reset);\n});\nafter(remove);\nspawnIf(process.platform);`;
  assert.equal(reasonToStayApart('packages/core/src/a.test.ts', source), undefined);
});
