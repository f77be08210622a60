import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import { STRICT } from '../harness/policies.ts';
import { runNode, runProgram } from '../harness/program.ts';
import { REGISTER } from '../harness/programs.ts';
import { Workload } from '../harness/workload.ts';

/** Serves on a port of its own, is asked once in plaintext by itself, and tells what came of it. */
const PROBE = `
import http from 'node:http';
const server = http.createServer((_request, response) => response.end('served')).listen(0, '127.0.0.1', () => {
  const request = http.get({ host: '127.0.0.1', port: server.address().port }, () => end('answered'));
  request.on('error', (error) => end(error.code));
  const end = (word) => { console.log(word); server.close(); server.closeAllConnections(); };
});
`;

const IMPATIENT = { RAMPART_START_TIMEOUT_MS: '200' };

describe('a workload that cannot join', () => {
  let plane: ControlPlaneProcess;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rampart-start-'));
    plane = await ControlPlaneProcess.start();
    await plane.apply(STRICT);
  });

  after(async () => {
    await plane.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');

  it('without configuration: one line that says what is missing, and nobody is served', async () => {
    const end = await runProgram(PROBE);
    assert.deepEqual([end.code, end.stdout], [0, 'ECONNRESET\n']);
    const [line, ...more] = linesOf(end.stderr);
    assert.deepEqual(more, []);
    assert.match(line ?? '', /^rampart error: .*RAMPART_CONTROL_PLANE.*RAMPART_CA_FILE.*RAMPART_JOIN_TOKEN.*refused$/);
  });

  it('without a configuration, a program that serves nobody works as ever', async () => {
    const end = await runProgram("console.log('done')");
    assert.deepEqual([end.code, end.stdout], [0, 'done\n']);
  });

  it('a wrong token and a used one: one line that says so and never shows the token, nobody is served', async () => {
    const used = await plane.admission({ serviceAccount: 'twice' });
    assert.equal((await runProgram('', { env: used })).stderr, '');
    for (const env of [used, { ...used, RAMPART_JOIN_TOKEN: 'made-up-token' }]) {
      const end = await runProgram(PROBE, { env });
      assert.deepEqual([end.code, end.stdout], [0, 'ECONNRESET\n']);
      const lines = linesOf(end.stderr);
      assert.equal(lines.length, 1, end.stderr);
      assert.match(lines[0] ?? '', /^rampart error: .*join token/);
      assert.ok(!end.stderr.includes(env['RAMPART_JOIN_TOKEN'] ?? ''), 'the token is not shown');
    }
  });

  it('a refused token does not keep the program waiting', async () => {
    const env = {
      ...(await plane.admission({ serviceAccount: 'hasty' })),
      RAMPART_JOIN_TOKEN: 'made-up-token',
      RAMPART_START_TIMEOUT_MS: '60000',
    };
    assert.equal((await runProgram(PROBE, { env })).stdout, 'ECONNRESET\n');
  });

  it('a control plane that is not the one of the trust bundle gets no token', async () => {
    const other = await ControlPlaneProcess.start();
    const env = await plane.admission({ serviceAccount: 'misled' });
    const end = await runProgram(PROBE, { env: { ...env, ...IMPATIENT, RAMPART_CONTROL_PLANE: other.address } });
    await other.stop();
    assert.equal(end.stdout, 'ECONNRESET\n');
    assert.equal((await runProgram('', { env })).stderr, '', 'the token is still good');
  });

  it('children of the program do not inherit its token', async () => {
    const env = await plane.admission({ serviceAccount: 'parent' });
    const ask =
      "import { execFileSync } from 'node:child_process'; console.log(execFileSync(process.execPath, ['-p', 'String(process.env.RAMPART_JOIN_TOKEN)']).toString().trim(), process.env.RAMPART_JOIN_TOKEN);";
    assert.equal((await runProgram(ask, { env })).stdout, 'undefined undefined\n');
  });

  it('a package runner between leaves the token to the program', async () => {
    const runner = join(folder, 'npm-cli.js');
    writeFileSync(join(folder, 'service.mjs'), "console.log('joined', process.env.RAMPART_JOIN_TOKEN);");
    writeFileSync(
      runner,
      "require('child_process').spawnSync(process.execPath, [require('path').join(__dirname, 'service.mjs')], { stdio: 'inherit' });",
    );
    const env = { ...(await plane.admission({ serviceAccount: 'packaged' })), NODE_OPTIONS: `--import ${REGISTER}` };
    const end = await runNode([runner], { env });
    assert.deepEqual([end.code, end.stdout, end.stderr], [0, 'joined undefined\n', '']);
  });

  it('no control plane at start: refuses and says why; once it is there, joins without a restart', async () => {
    const [late, caller] = await Promise.all([
      plane.admission({ serviceAccount: 'late', service: 'late' }),
      plane.admission({ serviceAccount: 'caller' }),
    ]);
    await plane.kill();
    const [service, client] = await Promise.all([
      Workload.launch({ script: 'echo.mjs', serviceAccount: 'late' }, { ...late, ...IMPATIENT }),
      Laboratory.launch({ ...caller, ...IMPATIENT }),
    ]);
    await assert.rejects(fetch(`http://127.0.0.1:${service.port}/`));
    const call = (): Promise<string> =>
      client.run(() =>
        fetch('http://late/')
          .then((response) => String(response.status))
          .catch((error: Error) => (error.cause as Error).message),
      );
    assert.match(await call(), /no snapshot from the control plane yet/);
    await plane.up();
    await plane.registered('late', service.port);
    await until('the mesh to work', async () => (await call()) === '200');
    const refusal = await until('the refusal on record', async () =>
      (await plane.refusals()).find((each) => each.kind === 'not_ready'),
    );
    assert.match(refusal.reason, /never received a policy snapshot/);
    await Promise.all([service.kill(), client.kill()]);
  });
});
