// A database and its own client on both sides of two sidecars: a protocol in which the server may speak first, and that nobody here wrote.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';

import type { AccessLogRecord } from '@rampart/core';
import { Postgres, postgresMissing, settled, until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { STRICT } from '../harness/policies.ts';
import { SidecarProcess } from '../harness/sidecar.ts';

const run = promisify(execFile);
const missing = postgresMissing();
const ROWS = 20_000;
const POLICY = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: orders-db, namespace: default }
spec:
  selector: { matchLabels: { app: orders-db } }
  action: ALLOW
  rules: [{ from: [{ source: { principals: ["cluster.local/ns/default/sa/users-api"] } }] }]
`;

describe('psql through two sidecars', { skip: missing === '' ? false : missing }, () => {
  let postgres: Postgres;
  let plane: ControlPlaneProcess;
  let database: SidecarProcess;
  let users: SidecarProcess;
  let intruder: SidecarProcess;
  /** The psql that was started last. */
  let running: ChildProcess | undefined;

  before(async () => {
    [postgres, plane] = await Promise.all([Postgres.start(), ControlPlaneProcess.start({ workloadTtl: '12s' })]);
    await plane.apply(`${STRICT}---\n${POLICY}`);
    const identity = { serviceAccount: 'orders-db', service: 'orders-db' };
    const args = ['--app-port', String(postgres.port), '--app-protocol', 'tcp'];
    const caller = (serviceAccount: string): Promise<SidecarProcess> =>
      SidecarProcess.start(plane, {
        serviceAccount,
        args: ['--dns-port', '0', '--dns-forward', '127.0.0.1:9'],
      });
    [database, users, intruder] = await Promise.all([
      SidecarProcess.start(plane, { ...identity, args }),
      caller('users-api'),
      caller('batch'),
    ]);
  });

  after(async () => {
    await Promise.all([database.stop(), users.stop(), intruder.stop()]);
    await Promise.all([plane.stop(), postgres.stop()]);
  });

  /** Through the address of the loopback that the name leads to. */
  async function psql(sidecar: SidecarProcess, ...args: string[]): Promise<string> {
    const question = ['+short', '-p', String(sidecar.announcement.dnsPort), '@127.0.0.1', 'orders-db.default.svc'];
    const address = (await run('/usr/bin/dig', question)).stdout.trim();
    const where = [
      '-h',
      address,
      '-p',
      String(database.announcement.meshPort),
      '-U',
      'shop',
      '-d',
      'postgres',
      '-XAtq',
    ];
    const program = run('/usr/bin/psql', [...where, ...args], { env: {}, maxBuffer: 64 * 1024 * 1024 });
    running = program.child;
    return (await program).stdout;
  }

  const connections = (matches: (record: AccessLogRecord) => boolean, count: number): Promise<AccessLogRecord[]> =>
    until('the records', async () => {
      const found = (await plane.records()).filter((record) => record.protocol === 'TCP' && matches(record));
      return found.length >= count ? found : undefined;
    });

  it('large copies arrive whole, both ways', async () => {
    const copy = `copy (select n, repeat(md5(n::text), 32) from generate_series(1, ${ROWS}) n) to stdout`;
    const text = await psql(users, '-c', copy);
    assert.equal(text.split('\n').length, ROWS + 1);
    const [source, destination] = await connections(({ bytes_sent: bytes }) => bytes > text.length, 2);
    assert.deepEqual([source?.response_flags, destination?.response_flags], ['-', '-']);
    assert.equal(source?.bytes_sent, destination?.bytes_sent);
    assert.equal(source?.trace_id, destination?.trace_id);
  });

  it('a request to cancel finds the query that it is about', async () => {
    running = undefined;
    const sleeping = settled(psql(users, '-c', 'select pg_sleep(30)'));
    const program = await until('psql', () => running);
    const sleeps = "from pg_stat_activity where query = 'select pg_sleep(30)'";
    await until('the query', async () => (await psql(users, '-c', `select count(*) ${sleeps}`)) === '1\n');
    // As Ctrl-C: psql sends it on a connection of its own.
    program.kill('SIGINT');
    const outcome = await sleeping;
    assert.match('error' in outcome ? outcome.error.message : '', /canceling statement due to user request/);
  });

  it('who may not is cut off before a word is said', async () => {
    const outcome = await settled(psql(intruder, '-c', 'select 1'));
    assert.match('error' in outcome ? outcome.error.message : '', /closed the connection|reset by peer/);
    await connections(({ authorization_decision: decision }) => decision === 'DENY', 1);
  });

  it('a session that outlives the certificate of its caller ends with it, and both ends say so', async () => {
    const outcome = await settled(psql(users, '-c', 'select pg_sleep(60)'));
    assert.match('error' in outcome ? outcome.error.message : '', /closed the connection|reset by peer/);
    const [destined] = await connections(({ reason }) => /the certificate of .*users-api has expired/.test(reason), 1);
    assert.deepEqual([destined?.authorization_decision, destined?.response_flags], ['DENY', 'UAEX']);
    const [source] = await connections(
      ({ reporter, trace_id: trace }) => reporter === 'source' && trace === destined?.trace_id,
      1,
    );
    assert.equal(source?.response_flags, 'UC');
    assert.match(source.reason, /refused the stream by policy|certificate that the link began with has ended/);
    assert.equal(await psql(users, '-c', 'select 1'), '1\n');
  });
});
