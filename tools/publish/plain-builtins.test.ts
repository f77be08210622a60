import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { rolldown } from 'rolldown';
import { runCommand } from '../command.ts';
import { plainBuiltins } from './plain-builtins.ts';

const PROGRAM = `
import http, { STATUS_CODES as texts, Agent } from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
import * as tls from 'node:tls';
import { join } from 'node:path';
console.log(JSON.stringify({
  loaded: process.moduleLoadList.some((name) => name.includes('undici')),
  works: [http.Agent === Agent, texts[404], typeof https.get, isIP('::1'), typeof tls.connect, join('a', 'b')],
}));
`;

test('a bundle that serves HTTP does not load what clients of WebSockets and fetch need', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'plain-builtins-'));
  try {
    writeFileSync(join(folder, 'program.js'), PROGRAM);
    const build = await rolldown({ input: join(folder, 'program.js'), platform: 'node', plugins: [plainBuiltins()] });
    await build.write({ file: join(folder, 'bundle.mjs'), format: 'esm' });
    const { code, stdout, stderr } = await runCommand(process.execPath, [join(folder, 'bundle.mjs')], { cwd: folder });
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), {
      loaded: false,
      works: [true, 'Not Found', 'function', 6, 'function', 'a/b'],
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
