import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { allowOnly, STRICT } from '../harness/policies.ts';
import { Workload } from '../harness/workload.ts';

interface Answer {
  readonly status?: number;
  readonly body?: string;
  readonly error?: string;
  readonly code?: string;
}

interface Echo {
  readonly url: string;
  readonly bytes: number;
  readonly encrypted: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

describe('the first protected request', () => {
  let plane: ControlPlaneProcess;
  let orders: Workload;
  let users: Workload;
  let intruder: Workload;

  before(async () => {
    plane = await ControlPlaneProcess.start();
    await plane.apply(`${STRICT}---\n${allowOnly('orders-api', 'users-api')}`);
    [orders, users, intruder] = await Promise.all([
      Workload.start(plane, { script: 'echo.mjs', serviceAccount: 'orders-api', service: 'orders-api' }),
      Workload.start(plane, { script: 'caller.mjs', serviceAccount: 'users-api' }),
      Workload.start(plane, { script: 'caller.mjs', serviceAccount: 'batch' }),
    ]);
    await until(
      'users-api to know orders-api',
      async () => (await users.ask<Answer>({ url: 'http://orders-api/api/x' })).status === 200,
    );
  });

  after(async () => {
    await Promise.all([orders.kill(), users.kill(), intruder.kill()]);
    await plane.stop();
  });

  for (const client of ['http', 'fetch', 'undici']) {
    it(`${client} reaches a service by name over mutual TLS`, async () => {
      const answer = await users.ask<Answer>({
        client,
        url: 'http://orders-api/api/orders/1?x=1',
        method: 'POST',
        body: 'lamp',
      });
      assert.equal(answer.status, 200, JSON.stringify(answer));
      const echo = JSON.parse(answer.body ?? '') as Echo;
      assert.equal(echo.url, '/api/orders/1?x=1');
      assert.equal(echo.bytes, 4);
      assert.equal(echo.encrypted, false, 'the application goes on seeing plain HTTP');
      assert.match(
        echo.headers['x-forwarded-client-cert'] ?? '',
        /URI=spiffe:\/\/cluster\.local\/ns\/default\/sa\/users-api$/,
      );
    });

    it(`${client} is denied where policy says so, as RBAC does it`, async () => {
      assert.deepEqual(await intruder.ask<Answer>({ client, url: 'http://orders-api/api/orders/1' }), {
        status: 403,
        body: 'RBAC: access denied',
      });
      assert.deepEqual(await users.ask<Answer>({ client, url: 'http://orders-api/admin' }), {
        status: 403,
        body: 'RBAC: access denied',
      });
    });
  }

  it('https to a service name becomes the mesh’s own TLS', async () => {
    const answer = await users.ask<Answer>({ client: 'fetch', url: 'https://orders-api/api/secure' });
    assert.equal(answer.status, 200, JSON.stringify(answer));
  });

  it('a path that only looks different is the same path to policy and application', async () => {
    const answer = await users.ask<Answer>({ url: 'http://orders-api/api/../admin' });
    assert.equal(answer.status, 403);
    const inside = await users.ask<Answer>({ client: 'http', url: 'http://orders-api/x/../api/%6frders' });
    assert.equal((JSON.parse(inside.body ?? '{}') as Echo).url, '/api/orders');
  });

  it('plaintext is refused and counted', async () => {
    const socket = connect(orders.port, '127.0.0.1', () =>
      socket.write('GET /api/x HTTP/1.1\r\nhost: orders-api\r\n\r\n'),
    );
    let read = '';
    socket.on('data', (chunk) => (read += chunk.toString()));
    socket.on('error', () => {});
    await until('the connection to close', () => socket.destroyed || socket.readableEnded);
    assert.equal(read, '');
    const refusal = await until('a refusal on record', async () =>
      (await plane.refusals()).find((each) => each.kind === 'plaintext_rejected'),
    );
    assert.match(refusal.reason, /mutual TLS/);
  });

  it('both ends record the request under one id', async () => {
    await users.ask<Answer>({ url: 'http://orders-api/api/recorded', headers: { 'x-request-id': 'abc123-def456' } });
    const records = await until('both records', async () => {
      const found = (await plane.records()).filter((record) => record.request_id === 'abc123-def456');
      return found.length === 2 ? found : undefined;
    });
    assert.deepEqual(records.map((record) => record.reporter).toSorted(), ['destination', 'source']);
    for (const record of records) {
      assert.equal(record.source_principal, 'spiffe://cluster.local/ns/default/sa/users-api');
      assert.equal(record.destination_principal, 'spiffe://cluster.local/ns/default/sa/orders-api');
      assert.equal(record.destination_service, 'orders-api.default.svc');
      assert.equal(record.request_path, '/api/recorded');
      assert.equal(record.response_code, 200);
      assert.equal(record.tls_version, 'TLSv1.3');
    }
    assert.equal(records[0]?.trace_id, records[1]?.trace_id);
    const served = records.find((record) => record.reporter === 'destination');
    assert.equal(served?.authorization_decision, 'ALLOW');
    assert.equal(served?.authorization_policy, 'default/orders-api-policy');
  });
});
