import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { runCommandLine } from '../program.ts';
import { captureIo } from './captured-io.ts';
import { type Outcome, type ScenarioMesh, startScenarioMesh } from './mesh.ts';

suite('the registry on the command line', () => {
  let mesh: ScenarioMesh;
  let server: Server;
  let port = 0;
  const run = (words: string): Promise<Outcome> => mesh.run(words.split(' '));
  const done = async (words: string): Promise<string> => {
    const { code, stdout, stderr } = await run(words);
    assert.equal(code, 0, stderr);
    return stdout;
  };

  before(async () => {
    mesh = await startScenarioMesh(Date.now);
    server = createServer((_, response) => response.end('fine'));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
  });
  after(async () => {
    server.close();
    assert.equal(await mesh.stop(), 0);
  });

  test('what is outside of the mesh is registered by hand, with its checks, and found with all that it has', async () => {
    const words = `--instance search-1 --tag v2 --meta team=find --locality eu/eu-1 --service-version 2.1 --weight 3`;
    const registered = await done(
      `registry register search --at 127.0.0.1:${port} ${words} --check http:/health --interval 1s`,
    );
    assert.match(registered, /^search-1 is registered: search\.default\.svc at 127\.0\.0\.1:\d+, critical\n$/);
    while ((await run('registry health search')).code !== 0);
    const health = await done('registry health search');
    assert.match(health, /search-1 +passing +service:search-1 +http +passing +\d+s +HTTP GET \/health: 200 OK/);
    const table = await done('registry show search --tag v2 --health usable');
    assert.match(table, /search-1 +127\.0\.0\.1:\d+ +passing +3 +v2 +- +2\.1 +eu\/eu-1 +operator:bootstrap/);
    assert.match(await done('registry'), /default +search +1 +v2/);
    const none = await run('registry show search --tag v1');
    assert.match(none.stderr, /no such instance of search\.default\.svc.*rampart registry list/);
    assert.deepEqual([none.code, (await run('registry show nope -o json')).code], [1, 1]);
  });

  test('drain and maintenance take it out of service and back, and a watch hears of it', async () => {
    const io = captureIo({ workingDirectory: mesh.folder, now: Date.now });
    const watch = runCommandLine(['registry', 'watch', 'search'], io.io);
    await io.printed(/ {2}\+ {2}search\.default {2}search-1 {2}\S+ {2}passing\n/);
    assert.equal(await done('registry drain search-1'), 'search-1 is passing, draining\n');
    await io.printed(/passing, draining\n/);
    assert.equal((await run('registry health search')).code, 1);
    assert.equal(await done('registry drain search-1 --undo'), 'search-1 is passing\n');
    assert.equal(await done('registry maintenance search-1 --reason disk'), 'search-1 is maintenance: disk\n');
    await io.printed(/maintenance: disk\n/);
    assert.equal(await done('registry maintenance search-1 --off'), 'search-1 is passing\n');
    await done('registry deregister search-1 --reason moved');
    await io.printed(/ {2}- {2}search\.default {2}search-1\n/);
    io.signal('SIGINT');
    assert.equal(await watch, 0);
  });

  const refusals: readonly (readonly [rule: string, words: string, code: number, text: RegExp])[] = [
    ['an unknown instance', 'registry deregister never', 1, /"never" is not registered/],
    ['an address without a port', 'registry register x --at 10.0.0.1', 2, /not an address with a port/],
    ['a check of no kind', 'registry register x --at 10.0.0.1:1 --check smtp', 2, /http:\/path/],
    ['a bad value', 'registry register x --at 10.0.0.1:0', 2, /port must be a whole number/],
    [
      'an address where clouds keep their metadata',
      'registry register x --at 169.254.169.254:80',
      2,
      /must be an address of a host/,
    ],
    [
      'a script, which nobody allowed',
      'registry register x --at 10.0.0.1:1 --check script:true',
      2,
      /must not be scripts/,
    ],
    ['a watch from the future', 'registry watch --from 900000000000000', 1, /not there yet/],
  ];
  for (const [rule, words, code, text] of refusals)
    test(`${rule} is refused`, async () => {
      const outcome = await run(words);
      assert.match(outcome.stderr, text);
      assert.equal(outcome.code, code);
    });
});
