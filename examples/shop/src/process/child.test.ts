import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Child, describeExit } from './child.ts';

function run(script: string, options: { readonly onLine?: (line: string) => void } = {}): Child {
  return new Child({
    name: 'child',
    node: process.execPath,
    arguments: ['--eval', script],
    environment: { ...process.env },
    ...(options.onLine === undefined ? {} : { onLine: options.onLine }),
  });
}

test('a child that fails says how, and its last words are kept', async () => {
  const child = run("console.log('one'); console.error('two'); process.exit(7)");
  assert.equal(describeExit(await child.exited), 'exit code 7');
  assert.deepEqual(child.lastWords.toSorted(), ['one', 'two']);
  assert.equal(child.stopping, false);
});

test('a child that cannot be started ends with a reason', async () => {
  const child = new Child({
    name: 'none',
    node: fileURLToPath(new URL('missing', import.meta.url)),
    arguments: [],
    environment: {},
  });
  assert.equal(describeExit(await child.exited), 'it could not be started');
  assert.match(child.lastWords.join(' '), /ENOENT/);
});

test('stop asks first', async () => {
  const { child, spoke } = await talking("process.on('SIGTERM', () => process.exit(0));");
  assert.equal(spoke, 'ready');
  assert.deepEqual(await child.stop(10_000), { code: 0, signal: null });
});

test('stop ends by force what does not listen', async () => {
  const { child } = await talking("process.on('SIGTERM', () => {});");
  assert.deepEqual(await child.stop(50), { code: null, signal: 'SIGKILL' });
});

test('a child on the leash goes when its parent is gone', async () => {
  const leash = JSON.stringify(new URL('leash.ts', import.meta.url).href);
  const grandchild = JSON.stringify("console.log('ready'); setInterval(() => {}, 1000)");
  const { child } = await talking(
    `const { spawn } = require('node:child_process');
    spawn(process.execPath, ['--import', ${leash}, '--eval', ${grandchild}], { stdio: ['pipe', 'inherit', 'inherit'], detached: true });`,
    { silent: true },
  );
  assert.ok(child.pid !== undefined);
  process.kill(child.pid, 'SIGKILL');
  // Its pipes close only when the grandchild, which inherited them, is gone as well.
  assert.equal(describeExit(await child.exited), 'signal SIGKILL');
});

/** A child that stays, once it (or its own child, when it is silent itself) has spoken. */
function talking(
  setup: string,
  options: { readonly silent?: boolean } = {},
): Promise<{ readonly child: Child; readonly spoke: string }> {
  return new Promise((resolve) => {
    const speak = options.silent === true ? '' : "console.log('ready')";
    const child = run(`${setup} setInterval(() => {}, 1000); ${speak}`, {
      onLine: (spoke) => resolve({ child, spoke }),
    });
  });
}
