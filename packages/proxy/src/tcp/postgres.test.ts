import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';

import { createIds, InboundTcpRecorder, OutboundTcpRecorder, TcpJudge } from '@rampart/mesh';
import type { Stopwatch } from '@rampart/mesh';
import { Postgres, postgresMissing, settled, TestCa, until } from '@rampart/testkit';
import type { RecordInput } from '@rampart/wire/record-block';

import { AddressBook } from '../capture/loopback/address-book.ts';
import { ServiceListeners } from '../capture/loopback/service-listeners.ts';
import { SocketStream } from '../stream/socket-stream.ts';

import { clock } from '../testing/real-clock.ts';
import { TestMesh } from '../testing/test-mesh.ts';
import { connectTcp } from './connect-tcp.ts';
import { InboundTcp } from './inbound-tcp.ts';
import { OutboundTcp } from './outbound-tcp.ts';

const run = promisify(execFile);
const missing = postgresMissing();
const stopwatch: Stopwatch = {
  elapsed: () => performance.now(),
  unixTime: (reading) => performance.timeOrigin + reading,
};
const log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };

describe('psql and a PostgreSQL that know nothing of the mesh', { skip: missing === '' ? false : missing }, () => {
  const records: RecordInput[] = [];
  const sink = {
    view: { revision: 0 },
    telemetry: { record: (record: RecordInput) => void records.push({ ...record }) },
  };
  let postgres: Postgres;
  let mesh: TestMesh;
  let judge: TcpJudge;
  let listeners: ServiceListeners;
  let address: string;

  before(async () => {
    postgres = await Postgres.start();
    mesh = await TestMesh.start(await TestCa.create('cluster.local', clock.now()));
    const ids = createIds();
    const common = { ids, clock, stopwatch };
    judge = new TcpJudge({ view: mesh.view, external: mesh.external, clock, ownPrincipal: () => '' });
    const inbound = new InboundTcp({
      ...common,
      judge,
      recorder: new InboundTcpRecorder(sink, stopwatch),
      connect: (_connection, signal) => connectTcp({ host: '127.0.0.1', port: postgres.port }, signal),
    });
    mesh.accept = (connection) => inbound.accept({ connection, stream: new SocketStream(connection.socket) });
    const outbound = new OutboundTcp({
      ...common,
      route: () => ({ kind: 'mesh', target: mesh.target }),
      dial: () => mesh.dial(),
      leave: () => Promise.reject(new Error('nothing leaves')),
      recorder: new OutboundTcpRecorder(sink, stopwatch),
    });
    const book = new AddressBook({ seed: `postgres-${process.pid}` });
    listeners = new ServiceListeners({ view: mesh.view, book, door: outbound, log });
    address = (await listeners.hold(mesh.target.service)) ?? '';
  });
  after(async () => {
    await listeners.close();
    judge.close();
    mesh.close();
    await postgres.stop();
  });

  const psql = async (...args: string[]): Promise<string> => {
    const where = ['-h', address, '-p', String(mesh.port), '-U', 'shop', '-d', 'postgres', '-X', '-A', '-t', '-q'];
    const { stdout } = await run('/usr/bin/psql', [...where, ...args], { env: {}, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  };

  it('talk as they always do', async () => {
    const rows = 'select n, repeat(md5(n::text), 64) from generate_series(1, 5000) n';
    const large = await psql('-c', 'create table t (n int, text text)', '-c', `insert into t ${rows}`, '-c', 'table t');
    assert.equal(large.trim().split('\n').length, 5000);
    assert.equal(await psql('-c', 'select sum(n) from t'), '12502500\n');
    await until('the records', () => records.length === 4);
    for (const { reporter, protocol, decision, responseFlags } of records) {
      assert.deepEqual([protocol, decision, responseFlags], ['TCP', 'ALLOW', '-'], reporter);
    }
    assert.ok(records.some(({ bytesSent }) => bytesSent > 10_000_000));
  });

  it('are kept apart by policy, also in the middle of a query', async () => {
    records.length = 0;
    const sleeping = settled(psql('-c', 'select pg_sleep(60)'));
    await until('the query', async () =>
      (await psql('-c', "select count(*) from pg_stat_activity where query like '%pg_sleep(60)'")) === '1\n'
        ? true
        : undefined,
    );
    mesh.apply('{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: nobody}, spec: {}}');
    const outcome = await sleeping;
    assert.match('error' in outcome ? outcome.error.message : '', /server closed the connection|Connection reset/);
    assert.ok('error' in (await settled(psql('-c', 'select 1'))));
    await until('the records', () => records.filter(({ policy }) => policy === 'default/nobody').length >= 2);
    mesh.apply();
    assert.equal(await psql('-c', 'select 1'), '1\n');
  });
});
