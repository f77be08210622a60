import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const program = `
  import { registerHooks } from 'node:module';
  const loaded = [];
  registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
  const { ExternalAuthorizer } = await import(${JSON.stringify(import.meta.resolve('../../index.ts'))});
  new ExternalAuthorizer({ connect: () => { throw new Error('nobody'); }, clock: undefined }).close();
  console.log(JSON.stringify(loaded));
`;

test('a data plane that asks nobody loads no client of authorizers and none of their messages', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  const loaded = JSON.parse(stdout) as readonly string[];
  assert.ok(loaded.some((url) => url.endsWith('/external/external-authorizer.ts')));
  assert.deepEqual(
    loaded.filter((url) => /\/external\/(?:http|grpc)\/|\/ext-authz\.ts$|\/envoy\//.test(url)),
    [],
  );
});
