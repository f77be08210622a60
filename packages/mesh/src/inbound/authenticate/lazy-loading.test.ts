import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const program = `
  import { registerHooks } from 'node:module';
  const loaded = [];
  registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
  const { Authenticator, MeshView } = await import(${JSON.stringify(import.meta.resolve('../../index.ts'))});
  const view = new MeshView({ rootNamespace: '', capabilities: [] });
  const { rules } = new Authenticator({ view });
  console.log(JSON.stringify({ loaded, rules: rules === undefined ? 'none' : 'some' }));
`;

test('a data plane without rules about tokens does not load what verifies them', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  const { loaded, rules } = JSON.parse(stdout) as { readonly loaded: readonly string[]; readonly rules: string };
  assert.equal(rules, 'none');
  assert.ok(loaded.some((url) => url.endsWith('/authenticate/authenticator.ts')));
  assert.deepEqual(
    loaded.filter((url) => url.includes('/node_modules/jose/')),
    [],
  );
});
