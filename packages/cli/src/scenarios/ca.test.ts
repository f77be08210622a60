import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { type ScenarioMesh, startScenarioMesh } from './mesh.ts';

interface Authority {
  readonly kind: string;
  readonly serial: string;
  readonly state: string;
  readonly canSign: boolean;
  readonly root: string;
}

interface Show {
  readonly upstream: string;
  readonly bundleSequence: number;
  readonly requestedAt: string;
  readonly authorities: readonly Authority[];
}

const PASSPHRASE = 'correct horse battery staple';
let mesh: ScenarioMesh;

before(async () => {
  mesh = await startScenarioMesh(() => Date.now());
});
after(() => mesh.stop());

async function ok(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await mesh.run(words);
  assert.equal(code, 0, `${words.join(' ')}: ${stderr}`);
  return stdout;
}

async function shown(): Promise<Show> {
  return JSON.parse(await ok('ca', 'show', '--all', '-o', 'json')) as Show;
}

async function states(kind: string): Promise<string[]> {
  return (await shown()).authorities.filter((each) => each.kind === kind).map(({ state }) => state);
}

async function active(kind: string): Promise<Authority> {
  const found = (await shown()).authorities.find((each) => each.kind === kind && each.state === 'active');
  assert.ok(found);
  return found;
}

suite('rampart ca', { concurrency: false }, () => {
  test('shows what signs, and when the next one comes', async () => {
    const { code, stdout, stderr } = await mesh.run(['ca']);
    assert.equal(code, 0);
    assert.match(stdout, /^KIND +SERIAL +STATE +SINCE +ENDS +IN USE/);
    assert.match(stdout, /root +[0-9a-f]{32} +active/);
    assert.match(stdout, /intermediate +[0-9a-f]{32} +active .* 0 +made \d{4}-\d\d-\d\d, signs \d{4}-\d\d-\d\d +here/);
    assert.match(stderr, /signed by a root of its own; trust bundle number 1/);
  });

  test('prepares, activates, taints and revokes an intermediate, on the record', async () => {
    const first = (await active('intermediate')).serial;
    assert.match(await ok('ca', 'prepare'), /^intermediate [0-9a-f]{32} is prepared; it ends \d{4}/);
    assert.equal((await mesh.run(['ca', 'prepare'])).code, 1);
    await ok('ca', 'activate');
    assert.deepEqual(await states('intermediate'), ['old', 'active']);
    const early = await mesh.run(['ca', 'revoke', first, '--reason', 'x']);
    assert.match(early.stderr, /is old: taint it first/);
    await ok('ca', 'taint', first, '--reason', 'key leaked');
    await ok('ca', 'revoke', first.replaceAll(/(..)(?=.)/g, '$1:').toUpperCase(), '--reason', 'key leaked');
    assert.deepEqual(await states('intermediate'), ['revoked', 'active']);
    const audit = await ok('audit', 'query', '-o', 'json');
    for (const event of ['CA_ACTIVATED', 'CA_TAINTED', 'CA_REVOKED']) assert.ok(audit.includes(event), event);
  });

  test('rotates a root only once it is known, and brings the CA file along', async () => {
    await ok('ca', 'prepare', 'root');
    const early = await mesh.run(['ca', 'activate', 'root']);
    assert.match(early.stderr, /was published a short while ago.*--now/);
    assert.equal((await shown()).bundleSequence, 2);
    await ok('ca', 'activate', 'root', '--now');
    assert.deepEqual(await states('root'), ['old', 'active']);
    assert.equal((await readFile(join(mesh.folder, '.rampart', 'ca.pem'), 'utf8')).match(/BEGIN/g)?.length, 2);
  });

  for (const [name, words, message] of [
    ['a serial that is none', ['ca', 'taint', 'orders', '--reason', 'x'], /is not a serial number/],
    [
      'an authority that is not there',
      ['ca', 'taint', 'abc123', '--reason', 'x'],
      /no authority has the serial abc123/,
    ],
    ['a taint without a reason', ['ca', 'taint', 'abc123'], /--reason/],
    ['another kind', ['ca', 'prepare', 'leaf'], /Allowed choices are root, intermediate/],
    ['a chain that nobody asked for', ['ca', 'install', 'ca.pem'], /no signing request is out|cannot be read/],
  ] as const) {
    test(`refuses ${name}`, async () => {
      const { code, stderr } = await mesh.run(words);
      assert.ok(code !== 0);
      assert.match(stderr, message);
    });
  }

  test('moves to a root that never sees a network', async () => {
    const { folder } = mesh;
    await writeFile(join(folder, 'words'), `${PASSPHRASE}\n`, { mode: 0o600 });
    const quietly = ['--passphrase-file', 'words'];
    assert.match(
      await ok('ca', 'init', '--offline', 'vault', ...quietly),
      /^root [0-9a-f]{32} of cluster\.local in .*vault/,
    );
    await ok('ca', 'request', '--out', 'request.csr');
    assert.equal(
      await ok('ca', 'request').then((pem) => pem.split('\n')[2]),
      (await readFile(join(folder, 'request.csr'), 'utf8')).split('\n')[2],
    );
    await ok('ca', 'sign', '--root', 'vault', 'request.csr', '--out', 'chain.pem', ...quietly);
    assert.match(
      await readFile(join(folder, 'vault', 'signed.log'), 'utf8'),
      /^\{"at":.*"certificate_sha256":"[0-9a-f]{64}"\}\n$/,
    );
    assert.match(await ok('ca', 'install', 'chain.pem'), /is prepared/);
    const early = await mesh.run(['ca', 'activate']);
    assert.match(early.stderr, /was published a short while ago/);
    await ok('ca', 'activate', '--now');
    const [root, intermediate] = [await active('root'), await active('intermediate')];
    assert.deepEqual([root.canSign, intermediate.canSign, intermediate.root], [false, true, root.serial]);
    assert.equal((await shown()).requestedAt, '');
    assert.match(await ok('token', 'create', '--service-account', 'batch'), /^rjt_/);
    const cannot = await mesh.run(['ca', 'prepare']);
    assert.match(cannot.stderr, /signing key is kept elsewhere; ask for one with: rampart ca request/);
    assert.match(
      await ok('ca'),
      /root .* active .* needed by \d{4}-\d\d-\d\d +elsewhere\n(.*\n)*intermediate .* active .* needed by/,
    );
  });

  test('takes a passphrase from the environment, or as it is typed, never as an argument', async () => {
    const env = { WORDS: PASSPHRASE };
    const typed = await mesh.run(['ca', 'init', '--offline', 'typed'], { secrets: [PASSPHRASE, PASSPHRASE] });
    assert.equal(typed.code, 0, typed.stderr);
    await ok('ca', 'request', '--new', '--out', 'second.csr');
    const sign = ['ca', 'sign', '--root', 'typed', 'second.csr', '-o', 'json'];
    const signed = await mesh.run([...sign, '--passphrase-env', 'WORDS'], { env });
    assert.equal(signed.code, 0, signed.stderr);
    assert.equal((JSON.parse(signed.stdout) as { chain: string }).chain.match(/BEGIN CERTIFICATE/g)?.length, 2);
  });

  for (const [name, words, options, message] of [
    [
      'a directory that has one',
      ['ca', 'init', '--offline', 'vault', '--passphrase-file', 'words'],
      {},
      /holds a root already/,
    ],
    ['a short passphrase', ['ca', 'init', '--offline', 'short'], { secrets: ['short', 'short'] }, /shorter than 12/],
    ['two that differ', ['ca', 'init', '--offline', 'other'], { secrets: [PASSPHRASE, `${PASSPHRASE}!`] }, /differ/],
    ['none at all', ['ca', 'init', '--offline', 'none'], {}, /holds no passphrase/],
    [
      'a wrong one',
      ['ca', 'sign', '--root', 'vault', 'request.csr'],
      { secrets: ['something else entirely'] },
      /another passphrase/,
    ],
    [
      'a root that is not there',
      ['ca', 'sign', '--root', 'nowhere', 'request.csr'],
      { secrets: [PASSPHRASE] },
      /holds no root/,
    ],
    [
      'what is no request',
      ['ca', 'sign', '--root', 'vault', 'chain.pem'],
      { secrets: [PASSPHRASE] },
      /holds no "BEGIN CERTIFICATE REQUEST"/,
    ],
    ['a chain for another key', ['ca', 'install', 'chain.pem'], {}, /for another key than the one that was asked for/],
  ] as const) {
    test(`refuses ${name}`, async () => {
      const { code, stderr } = await mesh.run(words, options);
      assert.ok(code !== 0, 'refused');
      assert.match(stderr, message);
      assert.ok(!stderr.includes(PASSPHRASE));
    });
  }
});
