import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';

const root = mkdtempSync(join(tmpdir(), 'rampart-place-'));
after(() => rmSync(root, { recursive: true }));

const ROUNDS = 200;
/** Makes one folder after the other, each at the very moment at which the other maker does. */
const MAKER = `
const { workerData: { root, own, met } } = require('node:worker_threads');
const { mkdirSync, writeFileSync } = require('node:fs');
import(${JSON.stringify(new URL('./place.ts', import.meta.url).href)}).then(({ putInPlace }) => {
  for (let round = 0; round < ${ROUNDS}; round += 1) {
    const begun = \`\${root}/making-\${own}\`;
    mkdirSync(begun);
    writeFileSync(\`\${begun}/program.js\`, String(round));
    Atomics.add(met, 0, 1);
    while (Atomics.load(met, 0) < 2 * (round + 1));
    putInPlace(begun, \`\${root}/made-\${round}\`);
  }
});
`;

test('two makers of the same folder at once both end with it', async () => {
  const met = new Int32Array(new SharedArrayBuffer(4));
  const makers = ['one', 'other'].map((own) => new Worker(MAKER, { eval: true, workerData: { root, own, met } }));
  try {
    assert.deepEqual(await Promise.all(makers.map((maker) => once(maker, 'exit'))), [[0], [0]]);
  } finally {
    await Promise.all(makers.map((maker) => maker.terminate()));
  }
  const made = readdirSync(root);
  assert.equal(made.length, ROUNDS);
  for (const each of made) assert.equal(`made-${readFileSync(join(root, each, 'program.js'), 'utf8')}`, each);
});
