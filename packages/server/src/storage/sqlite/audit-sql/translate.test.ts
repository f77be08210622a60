import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { addFunctions } from './functions.ts';
import { translate } from './translate.ts';

const NOW = Date.UTC(2025, 0, 20, 10, 30);
const HOUR = 3_600_000;

describe('a question in the SQL of PostgreSQL', () => {
  let database: DatabaseSync;

  before(() => {
    database = new DatabaseSync(':memory:');
    addFunctions(database);
    database.exec(
      'CREATE TABLE audit_logs (timestamp TEXT, event_type TEXT, identity TEXT, details TEXT, sequence INTEGER)',
    );
    const insert = database.prepare('INSERT INTO audit_logs VALUES (?, ?, ?, ?, ?)');
    const details = JSON.stringify({ port: '8080', path: 'a\\b' });
    for (const [index, hours] of [0.5, 1.5, 3, 40, 24 * 40].entries()) {
      const time = new Date(NOW - hours * HOUR).toISOString();
      insert.run(time, index % 2 === 0 ? 'REGISTRATION' : 'Über', `spiffe://c/ns/n${index}/sa/a_b`, details, index + 1);
    }
  });
  after(() => database.close());

  function ask(sql: string): unknown {
    const translated = translate(sql, NOW);
    if (!translated.ok) return translated.problem.message;
    const statement = database.prepare(translated.value);
    statement.setReturnArrays(true);
    const rows: unknown = statement.all();
    return rows;
  }
  const count = (condition: string): unknown => ask(`SELECT COUNT(*) FROM audit_logs WHERE ${condition}`);

  for (const [condition, expected] of [
    [`timestamp > NOW() - INTERVAL '1 hour'`, 1],
    [`timestamp > now() - '2 hours'::interval`, 2],
    [`timestamp > NOW() - INTERVAL '1' HOUR`, 1],
    [`timestamp > NOW() - INTERVAL '1 hour' * 2`, 2],
    [`timestamp > NOW() - INTERVAL '02:00:00'`, 2],
    [`timestamp > NOW() - INTERVAL '1 week'`, 4],
    [`timestamp > NOW() - INTERVAL '6 weeks 3 days'`, 5],
    [`timestamp > NOW() + INTERVAL '1 hour ago'`, 1],
    [`timestamp > NOW() - INTERVAL '1.5 days'`, 3],
    [`NOW() - timestamp < INTERVAL '2 hours'`, 2],
    [`INTERVAL '1 day' < NOW() - timestamp`, 2],
    [`timestamp BETWEEN NOW() - INTERVAL '2 hours' AND NOW()`, 2],
    [`timestamp > '2025-01-20 09:00:00+00'`, 1],
    [`timestamp > '2025-01-20T10:00:00+02:00'`, 2],
    [`timestamp > '2025-01-20 03:00:00-05'::timestamptz`, 2],
    [`timestamp >= TIMESTAMP '2025-01-20 09:00:00'`, 2],
    [`'2025-01-20' <= timestamp`, 3],
    [`timestamp BETWEEN '2025-01-20 08:00+01' AND '2025-01-20 09:00Z'`, 2],
    [`timestamp IN ('2025-01-20 11:00+01')`, 1],
    [`timestamp > 'today'`, 3],
    [`timestamp::date = CURRENT_DATE`, 3],
    [`timestamp::date = '2025-01-18'`, 1],
    [`timestamp >= CURRENT_DATE - 2`, 4],
    [`CURRENT_DATE - timestamp::date > 30`, 1],
    [`timestamp AT TIME ZONE 'UTC' > '2025-01-20'`, 3],
    [`EXTRACT(hour FROM timestamp) = 9 OR date_part('hour', timestamp) = 7`, 2],
    [`EXTRACT(epoch FROM timestamp) >= 1737363600`, 2],
    [`identity LIKE '%/sa/a\\_b'`, 5],
    [`identity LIKE '%/sa/a\\_'`, 0],
    [`identity LIKE 'SPIFFE%'`, 0],
    [`event_type ILIKE 'ÜB%'`, 2],
    [`event_type NOT ILIKE 'über'`, 3],
    [`lower(event_type) = 'über'`, 2],
    [`identity ~ '/ns/n[01]/'`, 2],
    [`identity !~* '/NS/N[01]/'`, 3],
    [`event_type = ANY(ARRAY['Über', 'x'])`, 2],
    [`(details->>'port')::int = 8080`, 5],
    [`details->>'path' = 'a\\b'`, 5],
    [`split_part(identity, '/', 5) = 'n1'`, 1],
  ] as const) {
    it(`means what it says: ${condition}`, () => assert.deepEqual(count(condition), [[expected]]));
  }

  for (const [rule, sql, rows] of [
    ['a union', `SELECT 1 AS a UNION SELECT 2 ORDER BY a DESC`, [[2], [1]]],
    [
      'a chain of unions in a subselect',
      `SELECT a FROM (SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 2) x`,
      [[1], [2], [2]],
    ],
    ['a union in a common table expression', `WITH t AS (SELECT 1 AS a UNION SELECT 2) SELECT a FROM t`, [[1], [2]]],
    [
      'a side of a union with its own limit',
      `(SELECT sequence FROM audit_logs ORDER BY sequence DESC LIMIT 1) UNION SELECT 1`,
      [[1], [5]],
    ],
    ['pages', `SELECT sequence FROM audit_logs ORDER BY sequence OFFSET 1 LIMIT 2`, [[2], [3]]],
    ['a page without an end', `SELECT sequence FROM audit_logs ORDER BY sequence OFFSET 3`, [[4], [5]]],
    [
      'a time less a time is seconds',
      `SELECT MAX(timestamp) - MIN(timestamp) FROM audit_logs WHERE sequence < 3`,
      [[3600]],
    ],
    [
      'also under other names',
      `SELECT u - t FROM (SELECT MAX(timestamp) u, MIN(timestamp) t FROM audit_logs WHERE sequence < 3) x`,
      [[3600]],
    ],
    ['the last of a month', `SELECT TIMESTAMP '2025-03-31 10:00' - INTERVAL '1 month'`, [['2025-02-28T10:00:00.000Z']]],
    [
      'times as they are to be written',
      `SELECT to_char(timestamp, 'YYYY-MM-DD HH24:MI') FROM audit_logs LIMIT 1`,
      [['2025-01-20 10:00']],
    ],
    ['lists', `SELECT array_agg(sequence) FROM audit_logs WHERE sequence < 3`, [['[1,2]']]],
  ] as const) {
    it(`answers: ${rule}`, () => assert.deepEqual(ask(sql), rows));
  }

  it('names columns as PostgreSQL does', () => {
    const translated = translate(
      `SELECT COUNT(*), max(sequence), 1 + 1, identity, sequence::text FROM audit_logs`,
      NOW,
    );
    assert.ok(translated.ok);
    const names = database
      .prepare(translated.value)
      .columns()
      .map(({ name }) => name);
    assert.deepEqual(names, ['count', 'max', '?column?', 'identity', 'text']);
  });

  for (const [sql, said] of [
    [`SELECT * FROM audit_logs WHERE timestamp > 'soon'`, /'soon' is no time: write it as/],
    [`SELECT * FROM audit_logs WHERE timestamp > '2025-02-30'`, /'2025-02-30' is no time/],
    [`SELECT timestamp AT TIME ZONE 'Europe/Berlin' FROM audit_logs`, /times of the record are UTC/],
    [`SELECT timestamp * 2 FROM audit_logs`, /a time \* something is an INTERVAL/],
    [`SELECT * FROM audit_logs WHERE sequence > INTERVAL '1 hour'`, /an interval is compared with a time less a time/],
    [`SELECT 1 UNION SELECT 2 UNION ALL SELECT 3`, /put one of them into a subselect/],
    [`SELECT DISTINCT ON (identity) identity FROM audit_logs`, /use GROUP BY/],
    [`SELECT * FROM audit_logs FOR UPDATE`, /leave out FOR/],
    [`SELECT rampart_part_0`, /names that begin with rampart_part_ are taken/],
  ] as const) {
    it(`is refused rather than answered wrongly: ${sql}`, () => assert.match(String(ask(sql)), said));
  }
});
