import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import type { Tools } from '../harness/laboratory.ts';
import { STRICT } from '../harness/policies.ts';
import { SidecarProcess } from '../harness/sidecar.ts';
import { Workload } from '../harness/workload.ts';

const asking = (service: string): string => `---
apiVersion: rampart.dev/v1
kind: RequestSignaturePolicy
metadata: { name: ${service}, namespace: default }
spec:
  selector: { matchLabels: { app: ${service} } }
  match: [{ paths: ["/pay*"] }]
  signers: ["*/sa/shop"]
  components: [authorization, content-type]
  maxBodyBytes: 200000
  hosts: [gateway]
`;

interface Order {
  readonly target: string;
  readonly tamper: string;
  readonly body: string;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Ends the caller's TLS and passes requests on, as told by `x-tamper` not always as they were. */
function startGateway({ http: node }: Tools): Promise<number> {
  const server = node.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { 'x-target': target, 'x-tamper': tamper, ...headers } = request.headers;
      let path = request.url ?? '';
      let body = Buffer.concat(chunks);
      for (const name of ['connection', 'content-length', 'transfer-encoding', 'x-forwarded-client-cert'])
        Reflect.deleteProperty(headers, name);
      if (tamper === 'path') path = '/pay?to=thief';
      if (tamper === 'body') body = Buffer.from('another body');
      if (tamper === 'strip') Reflect.deleteProperty(headers, 'authorization');
      if (tamper === 'unsigned')
        for (const name of ['signature', 'signature-input']) Reflect.deleteProperty(headers, name);
      if (tamper === 'method') request.method = 'PUT';
      const pass = (answered: (status: number, text: string) => void): void => {
        const sent = node.request(
          { host: String(target), path, method: request.method, headers, agent: false },
          (answer) => {
            let text = '';
            answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
            answer.on('end', () => answered(answer.statusCode ?? 0, text));
          },
        );
        sent.on('error', (error) => answered(502, error.message));
        sent.end(body);
      };
      const finish = (status: number, text: string): void => void response.writeHead(status).end(text);
      // Over connections of their own: such are given to the instances of a service, and to the processes of each, in turn.
      const again = (times: number): void =>
        pass((status, text) => (times === 0 || status !== 401 ? finish(status, text) : again(times - 1)));
      if (tamper === 'replay') pass(() => again(15));
      else pass(finish);
    });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
}

describe('requests signed by their callers, behind what ends TLS', () => {
  const app = http.createServer((request, response) => {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    request.on('end', () => response.end(`paid ${bytes}`));
  });
  app.on('upgrade', (_, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
    socket.pipe(socket);
  });
  let plane: ControlPlaneProcess;
  let inProcess: Workload;
  let sidecars: readonly SidecarProcess[];
  let gateway: Laboratory;
  let shop: Laboratory;
  let shopBehindSidecar: SidecarProcess;

  before(async () => {
    await once(app.listen(0, '127.0.0.1'), 'listening');
    plane = await ControlPlaneProcess.start();
    await plane.apply(`${STRICT}${asking('pay-api')}${asking('bank-api')}`);
    const appPort = String((app.address() as AddressInfo).port);
    const bank = (...args: readonly string[]): Promise<SidecarProcess> =>
      SidecarProcess.start(plane, {
        serviceAccount: 'bank-api',
        service: 'bank-api',
        args: ['--app-port', appPort, ...args],
      });
    [inProcess, sidecars, gateway, shop, shopBehindSidecar] = await Promise.all([
      Workload.start(plane, { script: 'workers/cluster.mjs', serviceAccount: 'pay-api', service: 'pay-api' }),
      Promise.all([bank('--processes', '2'), bank()]),
      Laboratory.start(plane, { serviceAccount: 'gateway', service: 'gateway' }),
      Laboratory.start(plane, { serviceAccount: 'shop' }),
      SidecarProcess.start(plane, { serviceAccount: 'shop', namespace: 'elsewhere' }),
    ]);
    await plane.registered('gateway', await gateway.run(startGateway));
    await until('everybody to know everybody', async () => {
      const answers = [
        await pay('in-process', 'pay-api'),
        await pay('in-process', 'bank-api'),
        await pay('sidecar', 'pay-api'),
      ];
      return answers.every(({ status }) => status === 200);
    });
  });

  after(async () => {
    const stopped = [...sidecars, shopBehindSidecar].map((sidecar) => sidecar.stop());
    await Promise.all([inProcess.kill(), gateway.kill(), shop.kill(), ...stopped]);
    app.close();
    app.closeAllConnections();
    await plane.stop();
  });

  function pay(from: 'in-process' | 'sidecar', target: string, how: Partial<Order> = {}): Promise<Answer> {
    const order: Order = { target, tamper: '', body: '{"amount":10}', ...how };
    return from === 'sidecar' ? payThroughSidecar(order) : shop.run(payInProcess, order);
  }

  async function payInProcess(_tools: Tools, { target, tamper, body }: Order): Promise<Answer> {
    const response = await fetch('http://gateway/pay?to=shop', {
      method: 'POST',
      headers: {
        authorization: 'Bearer t',
        'content-type': 'application/json',
        'x-target': target,
        'x-tamper': tamper,
      },
      body,
    });
    return { status: response.status, text: await response.text() };
  }

  async function payThroughSidecar({ target, tamper, body }: Order): Promise<Answer> {
    const request = http.request({
      host: '127.0.0.1',
      port: shopBehindSidecar.announcement.proxyPort,
      method: 'POST',
      path: 'http://gateway.default/pay?to=shop',
      headers: { host: 'gateway.default', authorization: 'Bearer t', 'x-target': target, 'x-tamper': tamper },
      agent: false,
    });
    request.end(body);
    const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
    let text = '';
    for await (const chunk of answer) text += String(chunk);
    return { status: answer.statusCode ?? 0, text };
  }

  for (const from of ['in-process', 'sidecar'] as const) {
    for (const target of ['pay-api', 'bank-api']) {
      it(`are taken as their caller sent them: from ${from} to ${target}`, async () => {
        assert.equal((await pay(from, target)).status, 200);
        assert.equal((await pay(from, target, { body: '' })).status, 200);
        assert.equal((await pay(from, target, { body: 'x'.repeat(150_000) })).status, 200);
      });
    }
  }

  const tampered: readonly (readonly [tamper: string, reason: RegExp])[] = [
    ['replay', /it was used before/],
    ['body', /content is not the one that was signed/],
    ['path', /not of this message by that key/],
    ['method', /not of this message by that key/],
    ['strip', /authorization cannot be covered/],
    ['unsigned', /no signature of the wanted kind/],
  ];
  for (const target of ['pay-api', 'bank-api']) {
    for (const [tamper, reason] of tampered) {
      it(`are refused by ${target} after what lies between did this: ${tamper}`, async () => {
        const { status, text } = await pay('in-process', target, { tamper });
        assert.equal(status, 401, text);
        assert.match(text, reason);
      });
    }
  }

  it('are refused when what lies between signs them itself, and the record says so', async () => {
    await plane.apply(asking('pay-api').replace('hosts: [gateway]', 'hosts: [gateway, pay-api]'));
    const { text } = await until('the gateway to sign', async () => {
      const answer = await pay('in-process', 'pay-api', { tamper: 'unsigned' });
      return answer.text.includes('sa/gateway') ? answer : undefined;
    });
    assert.match(text, /sa\/gateway is not among the signers of RequestSignaturePolicy default\/pay-api/);
    const record = await until('the record', async () =>
      (await plane.records()).find(
        ({ reporter, reason }) => reporter === 'destination' && reason.includes('sa/gateway is not among'),
      ),
    );
    assert.equal(record.response_code, 401);
    assert.equal(record.response_flags, 'UAEX');
    assert.equal(record.authorization_policy, 'default/pay-api');
  });

  it('with bodies that are too large are refused, here or there', async () => {
    assert.equal((await pay('in-process', 'pay-api', { body: 'x'.repeat(200_001) })).status, 413);
    for (const from of ['in-process', 'sidecar'] as const) {
      const { status, text } = await pay(from, 'pay-api', { body: 'x'.repeat(1_100_000) });
      assert.equal(status, 413);
      assert.match(text, /cannot be signed/);
    }
  });

  it('are signed for clients of HTTP/2, too', async () => {
    const direct = (body: string): Promise<Answer> =>
      shop.run(async ({ events }, content): Promise<Answer> => {
        const session = process.getBuiltinModule('node:http2').connect('http://bank-api');
        const stream = session.request({ ':method': 'POST', ':path': '/pay', authorization: 'Bearer t' });
        stream.end(content);
        const [headers] = (await events.once(stream, 'response')) as [{ readonly ':status': number }];
        let text = '';
        stream.on('data', (chunk) => (text += String(chunk)));
        // A refusal may come before all of the request is sent, and ends it.
        await new Promise((resolve) => stream.on('error', resolve).once('close', resolve));
        session.close();
        return { status: headers[':status'], text };
      }, body);
    assert.match((await direct('{}')).text, /without the certificate of its signer/);
    await plane.apply(asking('bank-api').replace('hosts: [gateway]', 'hosts: [gateway, bank-api]'));
    const { text } = await until('it to be signed', async () => {
      const answer = await direct('{"amount":10}');
      return answer.status === 200 ? answer : undefined;
    });
    assert.equal(text, 'paid 13');
    assert.equal((await direct('')).status, 200);
    assert.equal((await direct('x'.repeat(1_100_000))).status, 413);
  });

  it('are signed where they take their connection to another protocol, too', async () => {
    const heard = await shop.run(
      ({ http: node }) =>
        new Promise<string>((resolve, reject) => {
          const headers = { connection: 'upgrade', upgrade: 'echo', authorization: 'Bearer t' };
          const request = node.request('http://bank-api/pay', { headers });
          request.once('response', ({ statusCode }) => resolve(`refused: ${statusCode}`)).once('error', reject);
          request.once('upgrade', (_, socket) => {
            socket.once('data', (chunk: Buffer) => {
              resolve(chunk.toString());
              socket.destroy();
            });
            socket.write('hello');
          });
          request.end();
        }),
    );
    assert.equal(heard, 'hello');
  });

  it('are nothing that other routes of the service need', async () => {
    const direct = (path: string): Promise<number> =>
      gateway.run(async (_tools, to) => (await fetch(`http://pay-api${to}`)).status, path);
    assert.equal(await direct('/catalog'), 200);
  });

  it('wait for the control plane to say that they are new, and are refused while it is away', async () => {
    await plane.kill();
    for (const target of ['pay-api', 'bank-api']) {
      const { status, text } = await pay('in-process', target);
      assert.equal(status, 503, text);
      assert.match(text, /the control plane does not say whether it was used before/);
    }
  });
});
