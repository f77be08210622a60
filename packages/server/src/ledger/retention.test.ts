import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { AuditEvent, AuditRecord } from '@rampart/journal';
import type { ControlPlane } from '../control-plane.ts';
import { writeAgedJournal } from '../testing/aged-journal.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { TestPlanes, until } from '../testing/test-plane.ts';
import { connectAsAdmin } from '../testing/workload-client.ts';

const HOUR = 3_600_000;
const RAMPART = fileURLToPath(new URL('../../../cli/src/main.ts', import.meta.url));
const DAILY: readonly AuditEvent[] = [
  { eventType: 'DISCOVERY_QUERY', result: 'SUCCESS', serviceName: 'payments' },
  { eventType: 'REGISTRATION', result: 'SUCCESS', serviceName: 'payments' },
  { eventType: 'ACL_CHANGED', result: 'SUCCESS' },
  { eventType: 'POLICY_APPLIED', result: 'SUCCESS' },
];

describe('the audit record of a control plane that has run for a hundred days', { concurrency: false }, () => {
  const planes = new TestPlanes();
  const clock = new ManualClock();
  let plane: ControlPlane;
  let folder = '';

  before(async () => {
    await planes.open();
    folder = dirname(planes.dataDirectory);
    await writeAgedJournal(planes.dataDirectory, { days: 100, until: clock.now(), daily: DAILY });
    plane = await planes.start({ clock });
  });
  after(() => planes.close());

  async function rampart(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const options = { cwd: folder, env: {}, timeout: 30_000 };
    const line = ['--no-warnings', RAMPART, ...words, '--data', plane.dataDirectory];
    return promisify(execFile)(process.execPath, line, options).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
    );
  }

  async function count(): Promise<Readonly<Record<string, number>>> {
    const { admin, close } = connectAsAdmin(plane);
    const { records } = await admin.queryAudit({ limit: 10_000 });
    close();
    const types = records.map((record) => (JSON.parse(record) as AuditRecord).event_type);
    return Object.fromEntries([...Map.groupBy(types, (type) => type)].map(([type, all]) => [type, all.length]));
  }

  /** Lets an hour pass, and waits for what it brings. */
  async function anHour(expired: number): Promise<void> {
    clock.advance(HOUR);
    await until('records expire', async () => ((await count())['RECORDS_EXPIRED'] ?? 0) === expired);
  }

  it('loses what is older than its retention an hour after the start, and nothing else', async () => {
    const { DISCOVERY_QUERY: before } = await count();
    assert.equal(before, 100);
    await anHour(1);
    const { DISCOVERY_QUERY, REGISTRATION, ACL_CHANGED, POLICY_APPLIED } = await count();
    assert.deepEqual([DISCOVERY_QUERY, REGISTRATION, ACL_CHANGED, POLICY_APPLIED], [29, 89, 100, 100]);
  });

  it('verifies, online and offline', async () => {
    const online = await rampart('audit', 'verify');
    assert.match(online.stdout, /^verified: \d+ entries recomputed \(82 of them expired\), \d+ signed by cluster/);
    const { stdout: key } = await rampart('audit', 'key');
    assert.equal((await rampart('audit', 'export', '--out', 'all.journal')).code, 0);
    const offline = await rampart('audit', 'verify', '--offline', 'all.journal', '--key', key.trim());
    assert.match(offline.stdout, /^verified: \d+ entries recomputed \(82 of them expired\), /);
  });

  it('is proven by the hash of what expired', async () => {
    const { ledger, close } = connectAsAdmin(plane);
    const { entries } = await ledger.proveEntries({ sequences: [1n] });
    close();
    assert.deepEqual([entries[0]?.entry?.body, entries[0]?.entry?.kind], ['', 'DISCOVERY_QUERY']);
    const { code, stdout } = await rampart('audit', 'show', '1');
    assert.equal(code, 0, stdout);
    assert.match(
      stdout,
      /^expired +\S+Z, after 30 days, by entry \d+\nleaf hash .*\nproven +in the \d+ entries that were signed$/m,
    );
  });

  it('answers questions without what expired', async () => {
    const sql = `SELECT event_type, COUNT(*) AS n FROM audit_logs WHERE event_type IN ('DISCOVERY_QUERY', 'REGISTRATION') GROUP BY event_type ORDER BY n`;
    const { audit, close } = connectAsAdmin(plane);
    const { rows } = await audit.ask({ sql });
    close();
    assert.deepEqual(rows, ['["DISCOVERY_QUERY",29]', '["REGISTRATION",89]']);
  });

  it('is found when somebody takes a body away himself', async () => {
    const database = new DatabaseSync(join(plane.dataDirectory, 'rampart.db'));
    const last = `(SELECT sequence FROM journal_entries WHERE kind = 'ACL_CHANGED' ORDER BY sequence DESC LIMIT 1)`;
    const body = database.prepare(`SELECT sequence, body FROM journal_entries WHERE sequence = ${last}`).get();
    assert.ok(body !== undefined);
    database.exec(`UPDATE journal_entries SET body = '' WHERE sequence = ${last}`);
    const { code, stdout } = await rampart('audit', 'verify');
    database
      .prepare('UPDATE journal_entries SET body = ? WHERE sequence = ?')
      .run(body['body'] ?? '', body['sequence'] ?? 0);
    database.close();
    assert.deepEqual(
      [code, stdout.split('\n', 1)[0]],
      [
        1,
        `not verified: entry ${String(body['sequence'])} (ACL_CHANGED) has lost its body, and no record says that it expired`,
      ],
    );
  });

  it('goes on as it was after a restart, with what is set in force', async () => {
    const { admin, close } = connectAsAdmin(plane);
    const spec = {
      auditRetention: [
        { events: ['REGISTRATION'], days: 60 },
        { events: ['ACL_CHANGED'], days: 'forever' },
      ],
    };
    await admin.apply({
      document: JSON.stringify({
        apiVersion: 'rampart.dev/v1',
        kind: 'RegistrySettings',
        metadata: { name: 'default' },
        spec,
      }),
    });
    close();
    await plane.stop();
    // The clock of this machine judges its certificate.
    clock.jump(-HOUR);
    plane = await planes.start({ clock });
    await anHour(2);
    const { DISCOVERY_QUERY, REGISTRATION, ACL_CHANGED } = await count();
    assert.deepEqual([DISCOVERY_QUERY, REGISTRATION, ACL_CHANGED], [29, 59, 101]);
    assert.equal((await rampart('audit', 'verify')).code, 0);
  });

  it('is whole in a backup', async () => {
    const words = join(folder, 'words');
    await writeFile(words, 'as long as a sentence, and only you know it\n');
    const made = await rampart('backup', '--out', 'one.rampart', '--passphrase-file', 'words');
    assert.equal(made.code, 0, made.stderr);
    const verified = await rampart('backup', 'verify', 'one.rampart', '--passphrase-file', 'words');
    assert.match(verified.stdout, /^verified: /);
  });
});
