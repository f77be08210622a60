import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, suite, test } from 'node:test';
import { type Outcome, type ScenarioMesh, startScenarioMesh } from './mesh.ts';

const WORKLOAD = ['--service-account', 'orders-api', '--', process.execPath, '-e', '0'];
const ORDERS = 'spiffe://cluster.local/ns/default/sa/orders-api';

interface Data {
  readonly certificates: number;
  readonly newest: readonly { readonly serial: string }[];
  readonly barred: boolean;
}

function dataOf(outcome: Outcome): Data {
  return JSON.parse(outcome.stdout) as Data;
}

async function certificatesOf(mesh: ScenarioMesh): Promise<number> {
  const { stdout } = await mesh.run(['certs', '--identity', ORDERS, '-o', 'json']);
  return (JSON.parse(stdout) as unknown[]).length;
}

suite('an operator who revokes', () => {
  let mesh: ScenarioMesh;

  before(async () => {
    mesh = await startScenarioMesh(() => Date.now());
  });

  after(() => mesh.stop());

  test('sees first what would be hit, and then hits it', async () => {
    await mesh.run(['run', ...WORKLOAD]);
    const asked = ['revoke', '--identity', 'default/orders-api'];
    const dry = await mesh.run([...asked, '--dry-run']);
    assert.equal(dry.code, 0, dry.stderr);
    assert.match(
      dry.stdout,
      /^1 certificate would be revoked, and every JWT-SVID issued until now\n\nSERIAL +IDENTITY/,
    );
    assert.match(dry.stdout, /\n0 connected data planes would be cut off\n$/);
    const data = dataOf(await mesh.run([...asked, '--reason', 'superseded', '-o', 'json']));
    assert.equal(data.certificates, 1);
    assert.equal((await mesh.run([...asked, '--dry-run'])).code, 1);
    const list = await mesh.run(['certs', '--identity', 'default/orders-api']);
    assert.match(list.stdout, /revoked: superseded/);
  });

  test('sees the revocation in the history of the identity and with the certificate, and proves it', async () => {
    const listed = await mesh.run(['certs', '--identity', ORDERS, '-o', 'json']);
    const [{ serial } = { serial: '' }] = JSON.parse(listed.stdout) as { serial: string }[];
    const told = / IDENTITY_REVOKED +- +superseded +admin:bootstrap +everything issued until \d/;
    assert.match((await mesh.run(['certs', 'history', ORDERS])).stdout, told);
    assert.match((await mesh.run(['certs', 'show', serial])).stdout, told);
    const proven = await mesh.run(['certs', 'verify', serial]);
    assert.match(
      proven.stdout,
      /^verified: certificate [0-9a-f]+, revoked \S+Z \(superseded\), in .* 2 of \d+ entries/,
    );
    assert.equal((await mesh.run(['certs', 'verify'])).code, 0);
  });

  test('finds a revocation that somebody took out of the database', async () => {
    const database = new DatabaseSync(join(mesh.folder, '.rampart', 'rampart.db'));
    database.exec('CREATE TABLE kept AS SELECT serial, revoked_at FROM certificates WHERE revoked_at IS NOT NULL');
    database.exec('UPDATE certificates SET revoked_at = NULL');
    const { code, stdout } = await mesh.run(['certs', 'verify']);
    database.exec(
      'UPDATE certificates SET revoked_at = kept.revoked_at FROM kept WHERE certificates.serial = kept.serial; DROP TABLE kept',
    );
    database.close();
    assert.deepEqual([code, /the ledger has its revocation, the record has none/.test(stdout)], [1, true], stdout);
    assert.equal((await mesh.run(['certs', 'verify'])).code, 0);
  });

  test('names one certificate in any form, by either command', async () => {
    await mesh.run(['run', ...WORKLOAD]);
    const before = ['revoke', '--issued-before', 'now', '--namespace', 'default', '--dry-run', '-o', 'json'];
    const serial = dataOf(await mesh.run(before)).newest[0]?.serial ?? '';
    const written = serial.toUpperCase().replaceAll(/(..)(?=.)/g, '$1:');
    const done = await mesh.run(['revoke', written, '--note', 'laptop stolen']);
    assert.match(done.stdout, /^1 certificate revoked\n/);
    const again = await mesh.run(['certs', 'revoke', serial, '--reason', 'again']);
    assert.deepEqual([again.code, again.stdout], [1, '']);
  });

  test('bars an identity and lifts that again', async () => {
    const bar = await mesh.run(['revoke', '--identity', ORDERS, '--bar', '--note', 'host taken over']);
    assert.match(bar.stdout, /; spiffe:\/\/cluster\.local\/ns\/default\/sa\/orders-api is barred\n/);
    const issued = await certificatesOf(mesh);
    await mesh.run(['run', ...WORKLOAD]);
    assert.equal(await certificatesOf(mesh), issued);
    const listed = await mesh.run(['revoke', '--list']);
    assert.match(listed.stdout, /orders-api, barred +unspecified +admin:\S+ +host taken over/);
    assert.match(listed.stderr, /barred now: spiffe:\/\/.*orders-api/);
    const lifted = await mesh.run(['revoke', '--lift', 'default/orders-api']);
    assert.match(lifted.stdout, /may attest again/);
    const twice = await mesh.run(['revoke', '--lift', 'default/orders-api']);
    assert.deepEqual([twice.code, /is not barred/.test(twice.stderr)], [1, true]);
    await mesh.run(['run', ...WORKLOAD]);
    assert.equal(await certificatesOf(mesh), issued + 1);
  });

  const WRONG: readonly [what: string, words: readonly string[], problem: RegExp][] = [
    ['nothing', [], /name what is to be revoked/],
    ['two things', ['01', '--identity', ORDERS], /exactly one of them/],
    ['what is no serial', ['xyz'], /not a serial number/],
    ['what is no time', ['--issued-before', 'yesterday'], /2026-01-20T10:30:00Z/],
    ['an unknown reason', ['01', '--reason', 'stolen'], /keyCompromise/],
  ];
  for (const [what, words, problem] of WRONG) {
    test(`is told what is wrong with ${what}`, async () => {
      const { code, stderr } = await mesh.run(['revoke', ...words]);
      assert.equal(code, 2);
      assert.match(stderr, problem);
    });
  }

  test('finds examples in the help', async () => {
    const { stdout } = await mesh.run(['revoke', '--help']);
    assert.match(stdout, /rampart revoke --identity default\/orders-api --dry-run/);
  });
});
