import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { echoApplication, listening } from '../harness/echo-application.ts';
import { allowOnly, STRICT } from '../harness/policies.ts';
import { SidecarProcess } from '../harness/sidecar.ts';
import { ask, say } from '../harness/through-sidecar.ts';

const run = promisify(execFile);

const ALLOW_MAIL = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: mail, namespace: default }
spec:
  selector: { matchLabels: { app: mail } }
  action: ALLOW
  rules: [{ from: [{ source: { principals: ["cluster.local/ns/default/sa/users-api"] } }] }]
`;

describe('ways into a sidecar', () => {
  const app = echoApplication();
  const greeter = net.createServer((socket) => {
    socket.write('220 ready\n');
    socket.on('data', (chunk: Buffer) => socket.write(chunk.toString().toUpperCase()));
    socket.on('end', () => socket.end());
    socket.on('error', () => undefined);
  });
  let plane: ControlPlaneProcess;
  let orders: SidecarProcess;
  let mail: SidecarProcess;
  let users: SidecarProcess;
  let intruder: SidecarProcess;

  before(async () => {
    const [appPort, greeterPort] = await Promise.all([listening(app), listening(greeter)]);
    plane = await ControlPlaneProcess.start();
    await plane.apply([STRICT, allowOnly('orders-api', 'users-api'), ALLOW_MAIL].join('---\n'));
    const serving = (service: string, ...args: string[]): Promise<SidecarProcess> =>
      SidecarProcess.start(plane, { serviceAccount: service, service, args });
    [orders, mail, users, intruder] = await Promise.all([
      serving('orders-api', '--app-port', String(appPort)),
      serving('mail', '--app-port', String(greeterPort), '--app-protocol', 'tcp'),
      SidecarProcess.start(plane, { serviceAccount: 'users-api', args: ['--socks-port', '0'] }),
      SidecarProcess.start(plane, { serviceAccount: 'batch' }),
    ]);
    await until(
      'users-api to know the service',
      async () => (await ask(users, 'http://orders-api/api/x')).status === 200,
    );
  });

  after(async () => {
    await Promise.all([orders.stop(), mail.stop(), users.stop(), intruder.stop()]);
    app.close();
    app.closeAllConnections();
    greeter.close();
    await plane.stop();
  });

  it('curl goes through the proxy, by CONNECT and by SOCKS 5', async () => {
    const { proxyPort, socksPort } = users.announcement;
    const curl = async (...args: string[]): Promise<string> =>
      (await run('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', ...args, 'http://orders-api/api/x'])).stdout;
    assert.equal(await curl('-x', `http://127.0.0.1:${proxyPort}`), '200');
    assert.equal(await curl('-p', '-x', `http://127.0.0.1:${proxyPort}`), '200');
    assert.equal(await curl('-x', `socks5h://127.0.0.1:${socksPort}`), '200');
  });

  it('TLS of the application is told to leave that to the mesh, on record', async () => {
    const advice = (where: string): RegExp => new RegExp(`call http://${where}/ in plaintext`);
    const connect = (where: string, then: string): Promise<string> =>
      say(users, `CONNECT ${where} HTTP/1.1\r\nHost: ${where}\r\n\r\n${then}`);
    const refused = await connect('orders-api:443', '');
    assert.match(refused, /^HTTP\/1\.1 400 /);
    assert.match(refused, advice('orders-api'));
    const inside = await connect('orders-api:80', '\x16\x03\x01\x00\xc8\x01');
    assert.match(inside, /^HTTP\/1\.1 200 .*\r\n\r\nHTTP\/1\.1 400 /);
    assert.match(inside, advice('orders-api:80'));
    await until('both records', async () => {
      const records = (await plane.records()).filter(({ response_flags: flags }) => flags === 'DPE');
      return records.filter(({ reason }) => advice('orders-api(:80)?').test(reason)).length === 2;
    });
  });

  it('a service without HTTP that speaks first is reached by SOCKS 5, under policy', async () => {
    const telnet = (proxyPort: number): Promise<{ stdout: string }> =>
      run('curl', ['-s', '-m', '5', '-p', '-x', `http://127.0.0.1:${proxyPort}`, 'telnet://mail:80'], {}).catch(
        (error: unknown) => error as { stdout: string },
      );
    const socket = net.connect(users.announcement.proxyPort, '127.0.0.1');
    socket.write('CONNECT mail:80 HTTP/1.1\r\nHost: mail:80\r\n\r\n');
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await until('the server to speak first', () => text.includes('220 ready'));
    socket.write('helo\n');
    await until('its answer', () => text.includes('HELO'));
    socket.end();
    await once(socket, 'close');
    assert.doesNotMatch((await telnet(intruder.announcement.proxyPort)).stdout, /220 ready/);
    await until('both ends to have recorded one trace', async () => {
      const records = (await plane.records()).filter(
        ({ protocol, bytes_received: bytes }) => protocol === 'TCP' && bytes === 'helo\n'.length,
      );
      const [one, other] = records;
      return records.length === 2 && one?.trace_id === other?.trace_id && one?.span_id !== other?.span_id;
    });
  });
});
