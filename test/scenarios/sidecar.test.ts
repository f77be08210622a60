import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { type Echo, echoApplication, listening } from '../harness/echo-application.ts';
import { allowOnly, STRICT } from '../harness/policies.ts';
import { SidecarProcess } from '../harness/sidecar.ts';
import { ask } from '../harness/through-sidecar.ts';
import { Workload } from '../harness/workload.ts';

async function freePort(): Promise<number> {
  const server = net.createServer();
  const port = await listening(server);
  await once(server.close(), 'close');
  return port;
}

describe('applications behind sidecars', () => {
  const app = echoApplication();
  let plane: ControlPlaneProcess;
  let orders: SidecarProcess;
  let users: SidecarProcess;
  let intruder: SidecarProcess;
  let inProcess: Workload;
  let echo: Workload;
  let metricsPort = 0;

  before(async () => {
    const appPort = String(await listening(app));
    metricsPort = await freePort();
    plane = await ControlPlaneProcess.start();
    await plane.apply([STRICT, allowOnly('orders-api', 'users-api'), allowOnly('echo', 'users-api')].join('---\n'));
    [orders, users, intruder, inProcess, echo] = await Promise.all([
      SidecarProcess.start(plane, {
        serviceAccount: 'orders-api',
        service: 'orders-api',
        args: ['--app-port', appPort, '--metrics-port', '0'],
      }),
      SidecarProcess.start(plane, {
        serviceAccount: 'users-api',
        args: ['--metrics-port', '0', '--dns-port', '0', '--dns-forward', '127.0.0.1:9'],
      }),
      SidecarProcess.start(plane, { serviceAccount: 'batch' }),
      Workload.start(plane, { script: 'caller.mjs', serviceAccount: 'users-api' }),
      Workload.start(plane, {
        script: 'echo.mjs',
        serviceAccount: 'echo',
        service: 'echo',
        env: { RAMPART_METRICS_PORT: String(metricsPort) },
      }),
    ]);
    await until('users-api to know its services', async () => {
      const { status } = await ask(users, 'http://orders-api/api/x');
      return status === 200 && (await ask(users, 'http://echo/api/x')).status === 200;
    });
  });

  after(async () => {
    await Promise.all([orders.stop(), users.stop(), intruder.stop(), inProcess.kill(), echo.kill()]);
    app.close();
    app.closeAllConnections();
    await plane.stop();
  });

  it('a request goes through both proxies, with identity, trace and policy', async () => {
    const { status, body } = await ask(users, 'http://orders-api/api/orders?x=1', { method: 'POST', body: 'lamp' });
    assert.equal(status, 200, body);
    const seen = JSON.parse(body) as Echo;
    assert.equal(seen.method, 'POST');
    assert.equal(seen.url, '/api/orders?x=1');
    assert.equal(seen.bytes, 4);
    assert.equal(seen.headers['host'], 'orders-api');
    assert.match(
      seen.headers['x-forwarded-client-cert'] ?? '',
      /URI=spiffe:\/\/cluster\.local\/ns\/default\/sa\/users-api$/,
    );
    assert.match(seen.headers['traceparent'] ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  it("each end counts by Istio's names and labels, in a sidecar and in a process", async () => {
    await ask(users, 'http://orders-api/api/metrics');
    await ask(users, 'http://orders-api/forbidden');
    await ask(users, 'http://echo/api/metrics');
    const [source, destination, process] = await Promise.all([
      users.metrics(),
      orders.metrics(),
      fetch(`http://127.0.0.1:${metricsPort}/metrics`).then((answer) => answer.text()),
    ]);
    for (const [text, parts] of [
      [source, ['reporter="source"', 'destination_service="orders-api.default.svc"', 'response_code="200"']],
      [source, ['source_workload="users-api"', 'destination_workload="echo"', 'request_protocol="http"']],
      [destination, ['reporter="destination"', 'source_workload="users-api"', 'response_code="200"']],
      [destination, ['response_code="403"', 'response_flags="UAEX"', 'connection_security_policy="mutual_tls"']],
      [process, ['destination_service="echo.default.svc"', 'source_workload="users-api"', 'response_code="200"']],
    ] as const) {
      const found = text.split('\n').filter((line) => line.startsWith('istio_requests_total{'));
      assert.ok(
        found.some((line) => parts.every((part) => line.includes(part))),
        `${parts.join()} in ${found.join('\n')}`,
      );
    }
    assert.match(source, /^rampart_links\{direction="outbound"\} [1-9]/m);
    assert.match(destination, /^rampart_links\{direction="inbound"\} [1-9]/m);
    assert.equal((await fetch(`http://127.0.0.1:${orders.announcement.metricsPort}/healthz/ready`)).status, 200);
  });

  it('each hop is a span of the trace of the application, sampled as that says', async () => {
    const [traceId, span] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'];
    const headers = { traceparent: `00-${traceId}-${span}-00`, tracestate: 'vendor=1' };
    const { body } = await ask(users, 'http://orders-api/api/spans', { headers });
    const seen = (JSON.parse(body) as Echo).headers;
    const records = await until('both records', async () => {
      const found = (await plane.records()).filter(({ trace_id: id }) => id === traceId);
      return found.length === 2 && found;
    });
    const [source, destination] = ['source', 'destination'].map((end) => records.find((each) => each.reporter === end));
    assert.equal(source?.parent_span_id, span);
    assert.equal(destination?.parent_span_id, source.span_id);
    assert.equal(seen['traceparent'], `00-${traceId}-${destination.span_id}-00`);
    assert.equal(seen['tracestate'], 'vendor=1');
  });

  it('a trace that cannot be read is begun anew, without its state', async () => {
    const headers = { traceparent: `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, tracestate: 'vendor=1' };
    const { body } = await ask(users, 'http://orders-api/api/x', { headers });
    const seen = (JSON.parse(body) as Echo).headers;
    assert.match(seen['traceparent'] ?? '', /^00-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    assert.equal(seen['tracestate'], undefined);
  });

  it('requests that are refused at once may come by the thousand', async () => {
    const socket = net.connect(intruder.announcement.proxyPort, '127.0.0.1');
    const count = 5_000;
    socket.write('GET http://nobody.default.svc/ HTTP/1.1\r\nHost: n\r\n\r\n'.repeat(count));
    let answers = 0;
    socket.on('data', (chunk: Buffer) => (answers += chunk.toString('latin1').split('HTTP/1.1 503').length - 1));
    await until('all answers', () => answers >= count - 100);
    socket.destroy();
  });

  it('what policy does not allow is denied as Envoy does it, and says whose policy it was on the record', async () => {
    assert.deepEqual(await ask(intruder, 'http://orders-api/api/x'), { status: 403, body: 'RBAC: access denied' });
    assert.deepEqual(await ask(users, 'http://orders-api/admin'), { status: 403, body: 'RBAC: access denied' });
    await until('both ends to have recorded it', async () => {
      const records = await plane.records();
      return records.some(
        (record) =>
          record.authorization_decision === 'DENY' &&
          record.request_path === '/admin' &&
          record.reporter === 'destination' &&
          record.source_principal.endsWith('/users-api'),
      );
    });
  });

  it('both ends record one request id', async () => {
    await ask(users, 'http://orders-api/api/traced', { headers: { 'x-request-id': 'order-66' } });
    await until('both records', async () => {
      const records = (await plane.records()).filter(({ request_path: path }) => path === '/api/traced');
      const ends = new Set(records.filter(({ request_id: id }) => id === 'order-66').map(({ reporter }) => reporter));
      return ends.has('source') && ends.has('destination');
    });
  });

  it('services with the mesh in their process are called, and call', async () => {
    const there = await ask(users, 'http://echo/api/there', { method: 'POST', body: 'abc' });
    assert.equal(there.status, 200, there.body);
    const answer = await inProcess.ask<{ status?: number }>({ url: 'http://orders-api/api/back' });
    assert.equal(answer.status, 200, JSON.stringify(answer));
  });

  it('what leaves the mesh is on record as what was allowed to', async () => {
    const { port } = app.address() as AddressInfo;
    assert.equal((await ask(users, `http://127.0.0.1:${port}/api/outside`)).status, 200);
    await until('the record', async () =>
      (await plane.records()).some(
        (record) =>
          record.request_path === '/api/outside' &&
          record.reporter === 'source' &&
          record.authorization_decision === 'ALLOW',
      ),
    );
  });

  it('a port that is taken is named, and nothing is left behind', async () => {
    const taken = String(users.announcement.proxyPort);
    const start = SidecarProcess.start(plane, { serviceAccount: 'batch', args: ['--proxy-port', taken] });
    await assert.rejects(start, new RegExp(`ended with 3: .*port ${taken} of 127\\.0\\.0\\.1 is in use`, 's'));
  });

  it('names that the mesh does not have, and ports that nobody serves, say so', async () => {
    const unknown = await ask(users, 'http://nobody.default.svc/');
    assert.equal(unknown.status, 503);
    assert.match(unknown.body, /NOT_FOUND/);
    const wrongPort = await ask(users, 'http://orders-api:9/');
    assert.equal(wrongPort.status, 503);
    assert.match(wrongPort.body, /no instance of it serves port 9/);
  });

  it('a sidecar that is asked to leave goes out of the registry, and ends with 0', async () => {
    const leaving = await SidecarProcess.start(plane, {
      serviceAccount: 'orders-api',
      service: 'orders-api',
      args: ['--app-port', String((app.address() as AddressInfo).port)],
    });
    assert.equal(await leaving.stop(), 0);
    assert.equal((await plane.portsOf('orders-api')).includes(leaving.announcement.meshPort ?? 0), false);
    for (let count = 0; count < 20; count += 1) assert.equal((await ask(users, 'http://orders-api/api/x')).status, 200);
  });
});
