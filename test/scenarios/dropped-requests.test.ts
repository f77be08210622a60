import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';

const POLICY = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: brief, namespace: default }
spec:
  selector: { matchLabels: { app: brief } }
  rules:
  - to: [{ operation: { paths: ["/api/*"] } }]
`;

describe('requests beyond those that a server takes on one connection', () => {
  let plane: ControlPlaneProcess;
  let service: Laboratory;

  before(async () => {
    plane = await ControlPlaneProcess.start();
    await plane.apply(POLICY);
    service = await Laboratory.start(plane, { serviceAccount: 'brief', service: 'brief' });
  });

  after(async () => {
    await service.kill();
    await plane.stop();
  });

  it('are judged before the application is told of them, and recorded', async () => {
    const port = await service.run(async ({ http, events, kept }) => {
      const told: unknown[] = [];
      kept['told'] = told;
      const server = http.createServer((_, response) => response.end('served'));
      server.maxRequestsPerSocket = 1;
      server.on('dropRequest', ({ url, headers }) => told.push([url, 'x-forwarded-client-cert' in headers]));
      await events.once(server.listen(0, '127.0.0.1'), 'listening');
      return (server.address() as import('node:net').AddressInfo).port;
    });
    const get = (target: string): string =>
      `GET ${target} HTTP/1.1\r\nHost: brief\r\nX-Forwarded-Client-Cert: URI=forged\r\n\r\n`;
    for (const target of ['/secret', '/api/told', '/api/../secret/x']) {
      const socket = net.connect(port, '127.0.0.1');
      socket.write(`${get('/api/first')}${get(target)}`);
      let answer = '';
      for await (const chunk of socket) answer += String(chunk);
      assert.deepEqual(
        [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
        ['200', '503'],
      );
    }
    assert.deepEqual(await service.run(({ kept }) => kept['told']), [['/api/told', false]]);
    const dropped = await until('the records', async () => {
      const found = (await plane.records()).filter(({ response_code: code }) => code === 503);
      return found.length === 3 ? found : undefined;
    });
    assert.deepEqual(
      dropped
        .map(({ request_path: path, authorization_decision: decision, response_flags: flags }) =>
          [path, decision, flags].join(' '),
        )
        .toSorted(),
      ['/api/../secret/x DENY UAEX', '/api/told ALLOW UO', '/secret DENY UAEX'],
    );
  });
});
