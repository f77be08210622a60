import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Journal, type AuditEvent } from '@rampart/journal';
import { createSystemClock } from '../../../clock.ts';
import { ManualClock } from '../../../testing/manual-clock.ts';
import type { AuditSql, SqlRows } from '../../audit-sql.ts';
import { type Database, openDatabase } from '../../database.ts';
import { createJournalStore } from '../../stores/journal-store.ts';
import { sqliteEngine } from '../engine.ts';

const NOW = Date.UTC(2025, 0, 20, 10, 30);
const HOUR = 3_600_000;

const SPIKE = `SELECT service_name, COUNT(*) as registrations
FROM audit_logs
WHERE event_type = 'REGISTRATION'
  AND timestamp > NOW() - INTERVAL '1 hour'
GROUP BY service_name
HAVING COUNT(*) > 100  -- Unusual registration spike`;
const UNKNOWN = `SELECT DISTINCT service_name
FROM audit_logs
WHERE event_type = 'REGISTRATION'
  AND service_name NOT IN (SELECT name FROM allowed_services)`;
const DENIALS = `SELECT identity, COUNT(*) as denials
FROM audit_logs
WHERE result = 'DENIED'
  AND timestamp > NOW() - INTERVAL '1 hour'
GROUP BY identity
HAVING COUNT(*) > 10  -- Possible privilege escalation attempt`;

describe('the audit record in SQL', () => {
  let directory = '';
  let database: Database;
  let questions: AuditSql;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rampart-sql-'));
    const engine = sqliteEngine(join(directory, 'rampart.db'));
    database = await openDatabase(engine);
    questions = engine.auditSql(createSystemClock());
    const clock = new ManualClock();
    const setTo = (moment: number): void => clock.jump(moment - clock.now());
    setTo(NOW - 2 * HOUR);
    const journal = await Journal.open(createJournalStore(database), clock);
    const many = (count: number, event: AuditEvent): Promise<unknown> =>
      Promise.all(Array.from({ length: count }, () => journal.audit(event)));
    const registration: AuditEvent = { eventType: 'REGISTRATION', result: 'SUCCESS', serviceName: 'payment-service' };
    await many(101, { ...registration, serviceName: 'two-hours-ago' });
    setTo(NOW - HOUR / 2);
    await many(101, registration);
    await many(100, { ...registration, serviceName: 'order-service', details: { host: '10.0.1.1', path: 'a\\b' } });
    await many(11, {
      eventType: 'REGISTRATION_DENIED',
      result: 'DENIED',
      identity: 'spiffe://cluster.local/ns/web/sa/mallory',
    });
    await many(10, {
      eventType: 'REGISTRATION_DENIED',
      result: 'DENIED',
      identity: 'spiffe://cluster.local/ns/web/sa/clumsy',
    });
  });
  after(async () => {
    await database.close();
    await rm(directory, { recursive: true, force: true });
  });

  const ask = async (sql: string): Promise<SqlRows> => {
    const answer = await questions.ask({ sql, now: NOW, allowedServices: ['payment-service'] });
    if (!answer.ok) throw answer.problem;
    return answer.value;
  };
  const refusal = async (sql: string): Promise<string> => {
    const answer = await questions.ask({ sql, now: NOW, allowedServices: [] });
    return answer.ok ? JSON.stringify(answer.value.rows) : answer.problem.message;
  };

  it('tells of registration spikes as the operators wrote it', async () => {
    assert.deepEqual(await ask(SPIKE), {
      columns: ['service_name', 'registrations'],
      rows: [['payment-service', 101]],
      isCut: false,
    });
  });
  it('tells of unknown services', async () => {
    assert.deepEqual((await ask(UNKNOWN)).rows, [['two-hours-ago'], ['order-service']]);
  });
  it('tells of who is refused again and again', async () => {
    assert.deepEqual((await ask(DENIALS)).rows, [['spiffe://cluster.local/ns/web/sa/mallory', 11]]);
  });

  const questionsOfOthers: readonly (readonly [rule: string, sql: string, rows: unknown])[] = [
    [
      'details are JSON',
      `SELECT DISTINCT details->>'host' AS host FROM audit_logs WHERE service_name = 'order-service'`,
      [['10.0.1.1']],
    ],
    [
      'a common table expression',
      `WITH denied AS (SELECT identity FROM audit_logs WHERE result = 'DENIED') SELECT COUNT(*) AS n FROM denied`,
      [[21]],
    ],
  ];
  for (const [rule, sql, rows] of questionsOfOthers) {
    it(`answers: ${rule}`, async () => {
      const answer = await questions.ask({ sql, now: NOW, allowedServices: [] });
      assert.deepEqual(answer.ok ? answer.value.rows : answer.problem.message, rows);
    });
  }

  const refused: readonly (readonly [rule: string, sql: string, message: RegExp])[] = [
    ['no SQL', 'SELEC x', /line 1, column 7: unexpected word token: "x"/],
    ['an unfinished question', 'SELECT', /sql: /],
    ['nothing', '', /one SELECT/],
    ['two questions', 'SELECT 1; SELECT 2', /one question at a time/],
    ['recursion', 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT * FROM n', /only SELECT/],
    ['a deletion', 'DELETE FROM audit_logs', /only SELECT is answered, not DELETE/],
    ['a change', `UPDATE audit_logs SET identity = ''`, /only SELECT/],
    ['a new table', 'CREATE TABLE a (b text)', /only SELECT/],
    ['a table of secrets', 'SELECT * FROM admin_tokens', /only the tables audit_logs and allowed_services/],
    ['the table behind', 'SELECT body FROM journal_entries', /only the tables/],
    ['the schema', 'SELECT sql FROM sqlite_master', /only the tables/],
    ['much of nothing', 'SELECT zeroblob(1000000000)', /the function zeroblob is not answered/],
    ['a column that is not there', 'SELECT shoe_size FROM audit_logs', /no such column: shoe_size/],
    ['a long question', `SELECT '${'x'.repeat(20_000)}'`, /at most 20000 characters/],
  ];
  for (const [rule, sql, message] of refused) {
    it(`refuses: ${rule}`, async () => assert.match(await refusal(sql), message));
  }

  it('ends a question that has no end, and holds nobody up meanwhile', async () => {
    const clock = new ManualClock();
    const asked = sqliteEngine(join(directory, 'rampart.db')).auditSql(clock);
    const sql = 'SELECT COUNT(*) AS n FROM audit_logs a, audit_logs b, audit_logs c, audit_logs d';
    const answer = asked.ask({ sql, now: NOW, allowedServices: [] });
    clock.advance(10_000);
    const told = await answer;
    assert.match(told.ok ? 'answered' : told.problem.message, /took longer than 10 s/);
  });
});
