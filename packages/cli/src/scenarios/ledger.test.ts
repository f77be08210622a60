import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { leafHash } from '@rampart/journal';
import { type Outcome, runIn, type ScenarioMesh, startScenarioMesh } from './mesh.ts';

interface Listed {
  readonly serial: string;
  readonly kind: string;
  readonly sequence: number;
}

describe('an auditor', { concurrency: false }, () => {
  let mesh: ScenarioMesh;
  let server: Listed;

  before(async () => {
    mesh = await startScenarioMesh(Date.now);
    for (let count = 0; count < 20; count += 1) await rampart(`token create --service s${count}`);
    const listed = JSON.parse((await rampart('certs -o json')).stdout) as Listed[];
    const found = listed.find(({ kind }) => kind === 'server');
    assert.ok(found !== undefined);
    server = found;
  });
  after(() => mesh.stop());

  function rampart(line: string): Promise<Outcome> {
    return mesh.run(line.split(' '));
  }

  function file(name: string): string {
    return join(mesh.folder, name);
  }

  /** Does to the database what somebody with the disk in hand could do, asks, and puts it back. */
  async function whenTampered<T>(sql: string, undo: string, ask: () => Promise<T>): Promise<T> {
    const database = new DatabaseSync(file('.rampart/rampart.db'));
    try {
      database.exec(sql);
      return await ask();
    } finally {
      database.exec(undo);
      database.close();
    }
  }

  test('sees everything about a certificate', async () => {
    const { code, stdout } = await rampart(`certs show ${server.serial.toUpperCase()}`);
    assert.equal(code, 0);
    assert.match(stdout, /^identity +spiffe:\/\/cluster\.local\/ns\/istio-system\/sa\/rampart-server$/m);
    assert.match(stdout, /^status +valid 6d$/m);
    assert.match(stdout, /^requested by +control-plane$/m);
    assert.match(stdout, /^sha256 +[0-9a-f]{64}$/m);
    assert.match(stdout, /\nTIME +SEQ +EVENT .*\n\S+Z +\d+ +CERTIFICATE_ISSUED +[0-9a-f]+ /);
    const { certificate, entries } = JSON.parse((await rampart(`certs show ${server.serial} -o json`)).stdout);
    assert.deepEqual([certificate.serial, entries[0].event_type], [server.serial, 'CERTIFICATE_ISSUED']);
    assert.equal((await rampart('certs show 00ff')).code, 1);
    assert.equal((await rampart('certs show zz')).code, 2);
  });

  test('sees the history of an identity', async () => {
    const { stdout } = await rampart('certs history istio-system/rampart-server');
    assert.match(stdout, new RegExp(` CERTIFICATE_ISSUED +${server.serial} +server +control-plane +by `));
    assert.match((await rampart('certs history shop/nobody')).stderr, /nothing was ever issued to spiffe:\/\/cluster/);
  });

  test('verifies a certificate, a file, and all of them', async () => {
    await rampart('audit key');
    await writeFile(file('kept.vkey'), (await rampart('audit key')).stdout);
    const one = await rampart(`certs verify ${server.serial} --key kept.vkey`);
    assert.match(
      one.stdout,
      /^verified: certificate [0-9a-f]+ in cluster\.local\/journal, 1 of \d+ entries, signed by /,
    );
    const told = await rampart(`certs verify ${server.serial}`);
    assert.match(told.stderr, /the key is what the control plane says, .* \(rampart audit key > kept\.vkey\)/);
    assert.match((await rampart('certs verify .rampart/ca.pem --key kept.vkey')).stdout, /^verified: certificate /);
    assert.match((await rampart('certs verify')).stdout, /^verified: 3 certificates in cluster\.local\/journal/);
  });

  test('hands on a proof that holds without a control plane, and for nothing else', async () => {
    const key = (await rampart('audit key')).stdout.trim();
    assert.match((await rampart(`certs proof ${server.serial} --out server.proof`)).stderr, /verify it with the key /);
    assert.equal((await rampart(`certs proof ${server.serial} --out server.proof`)).code, 1);
    const folder = await mkdtemp(join(tmpdir(), 'rampart-auditor-'));
    const offline = (words: string): Promise<Outcome> =>
      runIn(`certs verify --offline ${words}`.split(' '), { workingDirectory: folder });
    try {
      const proof = await readFile(file('server.proof'), 'utf8');
      await writeFile(join(folder, 'server.proof'), proof);
      await writeFile(join(folder, 'ca.pem'), await readFile(file('.rampart/ca.pem')));
      assert.match((await offline(`server.proof --key ${key}`)).stdout, /^verified: certificate /);
      assert.match(
        (await offline(`server.proof --key ${key} --cert ca.pem`)).stdout,
        /^not verified: the proof is of /,
      );
      assert.equal((await offline('server.proof')).code, 2);
      const other = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
      assert.match((await offline(`server.proof --key ${other}`)).stdout, /is not signed by PeterNeumann\+c74f20a3/);
      await writeFile(join(folder, 'forged.proof'), proof.replaceAll('rampart-server', 'rampart-forger'));
      const forged = await offline(`forged.proof --key ${key}`);
      assert.deepEqual([forged.code, /entry \d+ \(CERTIFICATE_ISSUED\) was changed/.test(forged.stdout)], [1, true]);
      await writeFile(join(folder, 'empty.proof'), JSON.stringify({ ...JSON.parse(proof), entries: [] }));
      assert.match((await offline(`empty.proof --key ${key}`)).stdout, /there is no record that certificate /);
      await writeFile(join(folder, 'bad.proof'), '{}');
      assert.equal((await offline(`bad.proof --key ${key}`)).code, 2);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('recomputes the whole journal, from a checkpoint that was kept, too', async () => {
    assert.match(
      (await rampart('audit verify')).stdout,
      /^verified: \d+ entries recomputed, \d+ signed by cluster\.local/,
    );
    assert.match((await rampart('audit checkpoint --out kept.checkpoint')).stderr, /entries, in kept\.checkpoint/);
    await rampart('token create --service four');
    const whole = await rampart('audit verify --from kept.checkpoint --key kept.vkey');
    assert.match(whole.stdout, /^verified: \d+ entries recomputed, .*, the first \d+ as you kept them\n$/);
    const quick = await rampart('audit verify --from kept.checkpoint --key kept.vkey --quick -o json');
    const { verified, entries, kept, checkpoint } = JSON.parse(quick.stdout);
    assert.deepEqual([verified, entries, checkpoint.size >= kept.size], [true, 0, true]);
    assert.equal((await rampart('audit verify --quick')).code, 2);
  });

  test('hands on a proof that nothing changed since a checkpoint, which holds without a control plane', async () => {
    const key = (await rampart('audit key')).stdout.trim();
    const words = '--from kept.checkpoint';
    assert.match((await rampart(`audit proof ${words} --out week.proof`)).stderr, /rampart audit verify --offline/);
    const folder = await mkdtemp(join(tmpdir(), 'rampart-witness-'));
    const offline = (line: string): Promise<Outcome> =>
      runIn(`audit verify --offline ${line}`.split(' '), { workingDirectory: folder });
    try {
      for (const name of ['kept.checkpoint', 'week.proof'])
        await writeFile(join(folder, name), await readFile(file(name)));
      const held = await offline(`week.proof ${words} --key ${key}`);
      assert.match(held.stdout, /^verified: consistency proven, \d+ signed by \S+, the first \d+ as you kept them\n$/);
      const proof = JSON.parse(await readFile(file('week.proof'), 'utf8')) as { hashes: string[]; first: number };
      for (const [name, change, said] of [
        ['fewer.proof', { hashes: proof.hashes.slice(1) }, /it was rewritten/],
        ['other.proof', { first: proof.first - 1 }, /it proves from \d+ entries on, the checkpoint that you kept has/],
      ] as const) {
        await writeFile(join(folder, name), JSON.stringify({ ...proof, ...change }));
        const refused = await offline(`${name} ${words} --key ${key}`);
        assert.deepEqual([refused.code, said.test(refused.stdout)], [1, true], refused.stdout);
      }
      assert.equal((await offline(`week.proof --key ${key}`)).code, 2);
      assert.equal((await offline(`week.proof ${words}`)).code, 2);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  for (const { rule, sql, undo, ask, said } of [
    {
      rule: 'the body of an entry',
      sql: `UPDATE journal_entries SET body = replace(body, '/s7', '/S7') WHERE kind = 'JOIN_TOKEN_CREATED'`,
      undo: `UPDATE journal_entries SET body = replace(body, '/S7', '/s7') WHERE kind = 'JOIN_TOKEN_CREATED'`,
      ask: 'audit verify',
      said: /^not verified: entry \d+ \(JOIN_TOKEN_CREATED\) was changed: its body does not have its hash\n/,
    },
    {
      rule: 'the kind of an entry',
      sql: `UPDATE journal_entries SET kind = 'HARMLESS' WHERE sequence = 2`,
      undo: `UPDATE journal_entries SET kind = json_extract(body, '$.event_type') WHERE sequence = 2`,
      ask: 'audit verify',
      said: /^not verified: entry 2 \(HARMLESS\) was changed: its body says that it is \S+ at 2\n/,
    },
    {
      rule: 'an entry together with its hash',
      sql: `CREATE TABLE kept AS SELECT * FROM journal_entries WHERE sequence = 2; UPDATE journal_entries SET body = '{"event_type":"HARMLESS","sequence":2}', kind = 'HARMLESS', leaf_hash = '${leafHash('{"event_type":"HARMLESS","sequence":2}')}' WHERE sequence = 2`,
      undo: 'UPDATE journal_entries SET body = (SELECT body FROM kept), kind = (SELECT kind FROM kept), leaf_hash = (SELECT leaf_hash FROM kept) WHERE sequence = 2; DROP TABLE kept',
      ask: 'audit verify',
      said: /^not verified: one of the entries 1 to 16 was changed together with its hash\n/,
    },
    {
      rule: 'that there was an entry',
      sql: 'UPDATE journal_entries SET sequence = -2 WHERE sequence = 2',
      undo: 'UPDATE journal_entries SET sequence = 2 WHERE sequence = -2',
      ask: 'audit verify',
      said: /^not verified: entry 2 is missing\n/,
    },
    {
      rule: 'the order of two entries',
      sql: 'UPDATE journal_entries SET sequence = -sequence WHERE sequence IN (2, 3); UPDATE journal_entries SET sequence = 5 + sequence WHERE sequence < 0',
      undo: 'UPDATE journal_entries SET sequence = -sequence WHERE sequence IN (2, 3); UPDATE journal_entries SET sequence = 5 + sequence WHERE sequence < 0',
      ask: 'audit verify',
      said: /^not verified: entry 2 \(\S+\) was changed: its body says that it is \S+ at 3\n/,
    },
    {
      rule: 'that there was a last entry, which was signed',
      sql: 'CREATE TABLE kept AS SELECT * FROM journal_entries ORDER BY sequence DESC LIMIT 1; DELETE FROM journal_entries WHERE sequence = (SELECT sequence FROM kept)',
      undo: 'INSERT INTO journal_entries SELECT * FROM kept; DROP TABLE kept',
      ask: 'audit verify',
      said: /^not verified: entry \d+ is missing\n/,
    },
    {
      rule: 'the end of a certificate',
      sql: `UPDATE certificates SET not_after = not_after + 86400000 WHERE kind = 'server'`,
      undo: `UPDATE certificates SET not_after = not_after - 86400000 WHERE kind = 'server'`,
      ask: 'certs verify',
      said: /^not verified: the record of certificate [0-9a-f]+ was changed: not_after is \d+, the ledger has \d+\n/,
    },
    {
      rule: 'whose a certificate is',
      sql: `UPDATE certificates SET spiffe_id = spiffe_id || 'x' WHERE kind = 'server'`,
      undo: `UPDATE certificates SET spiffe_id = substr(spiffe_id, 1, length(spiffe_id) - 1) WHERE kind = 'server'`,
      ask: 'certs verify',
      said: /spiffe_id is \S+rampart-serverx, the ledger has \S+rampart-server\n/,
    },
    {
      rule: 'which entry a certificate has',
      sql: `UPDATE certificates SET sequence = sequence + 1000 WHERE kind = 'server'`,
      undo: `UPDATE certificates SET sequence = sequence - 1000 WHERE kind = 'server'`,
      ask: 'certs verify',
      said: /was changed: sequence is 10\d\d, the ledger has \d+\n/,
    },
    {
      rule: 'that there is a certificate',
      sql: `CREATE TABLE kept AS SELECT * FROM certificates WHERE kind = 'server'; DELETE FROM certificates WHERE kind = 'server'`,
      undo: 'INSERT INTO certificates SELECT * FROM kept; DROP TABLE kept',
      ask: 'certs verify',
      said: /^not verified: certificate [0-9a-f]+ was issued to \S+rampart-server, and its record is gone\n/,
    },
    {
      rule: 'that a certificate was issued here',
      sql: `INSERT INTO certificates SELECT 'f00d', kind, spiffe_id, requested_by, issuer, reason, issued_at, not_before, not_after, 4711, workload, revoked_at, revocation_reason, revoked_by, entry_id, attestation, revocation_rule FROM certificates WHERE kind = 'server'`,
      undo: `DELETE FROM certificates WHERE serial = 'f00d'`,
      ask: 'certs verify',
      said: /^not verified: certificate f00d is on record, and the ledger does not know of it\n/,
    },
    {
      rule: 'that a certificate is revoked',
      sql: `UPDATE certificates SET revoked_at = 1, revocation_reason = 'x', revoked_by = 'x' WHERE kind = 'server'`,
      undo: `UPDATE certificates SET revoked_at = NULL, revocation_reason = NULL, revoked_by = NULL WHERE kind = 'server'`,
      ask: 'certs verify',
      said: /it says that it is revoked, the ledger has no revocation\n/,
    },
  ]) {
    test(`finds and names it when somebody changed ${rule}`, async () => {
      const { code, stdout, stderr } = await whenTampered(sql, undo, () => rampart(ask));
      assert.deepEqual([code, said.test(stdout + stderr)], [1, true], stdout + stderr);
      assert.equal((await rampart(ask)).code, 0);
    });
  }

  test('finds that the last entry is gone before it was signed', async () => {
    await rampart('token create --service five');
    const { code, stdout } = await whenTampered(
      'CREATE TABLE kept AS SELECT * FROM journal_entries ORDER BY sequence DESC LIMIT 1; DELETE FROM journal_entries WHERE sequence = (SELECT sequence FROM kept)',
      'INSERT INTO journal_entries SELECT * FROM kept; DROP TABLE kept',
      () => rampart('audit verify'),
    );
    assert.deepEqual(
      [code, stdout.startsWith('not verified: the journal lost a hash of its entries')],
      [1, true],
      stdout,
    );
    assert.equal((await rampart('audit verify')).code, 0);
  });

  test('is told when what was signed last was not there to hold the journal against, until it was seen', async () => {
    const anchor = file('.rampart/journal.checkpoint');
    const old = await readFile(anchor, 'utf8');
    await rm(anchor);
    const missing =
      /^verified: .*\nwarning: entry \d+ \(\S+Z\): \S+journal\.checkpoint was missing, though \d+ entries were signed; .* \(--from\)\n$/;
    const first = await rampart('audit verify');
    assert.deepEqual([first.code, missing.test(first.stdout)], [0, true], first.stdout);
    await rampart('audit checkpoint --out seen.checkpoint');
    assert.doesNotMatch((await rampart('audit verify --from seen.checkpoint')).stdout, /warning/);
    await writeFile(anchor, old);
    const found = await rampart('audit verify --from seen.checkpoint -o json');
    const { warnings } = JSON.parse(found.stdout) as { readonly warnings: readonly string[] };
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /journal\.checkpoint was of \d+ entries, though \d+ entries were signed/);
    await rampart('audit export --out record.journal');
    const { stdout } = await rampart('audit verify --offline record.journal --key kept.vkey');
    assert.equal(stdout.match(/^warning: /gm)?.length, 2, stdout);
  });
});
