import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';

import { forgetLeanStart, leanStart } from './lean-process.ts';

const run = promisify(execFile);

describe('processes that serve for long', () => {
  it('start with a small young generation and one arena', () => {
    const { execArgv, environment } = leanStart('sidecar', {
      execArgv: ['--enable-source-maps'],
      env: { PATH: '/bin' },
    });
    assert.deepEqual(execArgv, ['--max-semi-space-size=2', '--heap-growing-percent=100', '--enable-source-maps']);
    assert.equal(environment['MALLOC_ARENA_MAX'], '1');
    assert.equal(environment['PATH'], '/bin');
  });

  it('issue certificates without long collections of the young generation', () => {
    const { execArgv, environment } = leanStart('control-plane', { execArgv: [], env: { PATH: '/bin' } });
    assert.deepEqual(execArgv, ['--max-semi-space-size=8']);
    assert.equal(environment['MALLOC_ARENA_MAX'], undefined);
  });

  it('what their operator has said himself stays', () => {
    const own = { NODE_OPTIONS: '--max_semi_space_size=64', MALLOC_ARENA_MAX: '4' };
    const { execArgv, environment } = leanStart('sidecar', { execArgv: ['--heap-growing-percent=50'], env: own });
    assert.deepEqual(execArgv, ['--heap-growing-percent=50']);
    assert.equal(environment['MALLOC_ARENA_MAX'], '4');
    const passedOn = { ...environment };
    assert.equal(forgetLeanStart(passedOn), true);
    assert.deepEqual(passedOn, own);
    assert.equal(forgetLeanStart(passedOn), false);
  });

  it(
    'are the same process, with the same words, and hand nothing on',
    { skip: process.platform === 'win32' },
    async () => {
      const program = `
      import { becomeLean, forgetLeanStart } from ${JSON.stringify(import.meta.resolve('./lean-process.ts'))};
      const isLean = forgetLeanStart(process.env);
      if (!isLean) process.stdout.write(process.pid + ' ');
      becomeLean(process, 'sidecar', isLean);
      console.log([process.pid, process.execArgv.includes('--max-semi-space-size=2'), process.argv.slice(1), Object.keys(process.env)].join(' '));
    `;
      const words = ['--input-type=module', '-e', program, 'a word', '-x'];
      const { stdout } = await run(process.execPath, words, { env: {} });
      const [before, after, ...rest] = stdout.trim().split(' ');
      assert.equal(after, before);
      assert.equal(rest.join(' '), 'true a word,-x');
    },
  );
});
