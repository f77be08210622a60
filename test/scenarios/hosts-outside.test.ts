import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, LookupFunction, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import type { AccessLogRecord } from '@rampart/core';
import { TestCa, until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import type { Tools } from '../harness/laboratory.ts';
import { SidecarProcess } from '../harness/sidecar.ts';

const WITHIN_A_SECOND = 1000;

const CLOSED = `apiVersion: rampart.dev/v1
kind: MeshConfig
metadata: { name: default }
spec: { outboundTrafficPolicy: { mode: REGISTRY_ONLY } }
`;

/** Hosts that are all the same server on this machine. */
const known = (name: string, hosts: readonly string[], port: number): string => `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name} }
spec:
  hosts: [${hosts.join(', ')}]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1, ports: { http: ${port} } }]
`;

const originated = (host: string, ca: string): string => `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${host.replaceAll('.', '-')} }
spec:
  host: ${host}
  trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, tls: { mode: SIMPLE, caCertificates: ${ca} } }] }
`;

async function listening(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

describe('hosts outside a mesh that is REGISTRY_ONLY', () => {
  const plain = http.createServer((request, response) => response.end(`plain ${String(request.headers.host)}`));
  let secure: https.Server;
  let directory: string;
  let plane: ControlPlaneProcess;
  let sidecar: SidecarProcess;
  let caller: Laboratory;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rampart-outside-'));
    const ca = await TestCa.create('outside.test', Date.now());
    const file = join(directory, 'ca.pem');
    await writeFile(file, ca.rootPem);
    const { certPem, keyPem } = await ca.issueServer(Date.now(), { dnsNames: ['secure.example.test'] });
    secure = https.createServer({ cert: certPem, key: keyPem }, (request, response) =>
      response.end(`secure ${String(request.headers.host)}`),
    );
    const [plainPort, securePort] = await Promise.all([listening(plain), listening(secure)]);
    plane = await ControlPlaneProcess.start();
    await plane.apply(
      CLOSED +
        known('plain', ['api.example.test'], plainPort) +
        known('named', ['named.example.test'], 80).replace(/resolution: STATIC[^]*/, 'resolution: NONE\n') +
        known('secure', ['secure.example.test', 'wrong.example.test'], securePort) +
        originated('secure.example.test', file) +
        originated('wrong.example.test', file),
    );
    [sidecar, caller] = await Promise.all([
      SidecarProcess.start(plane, { serviceAccount: 'caller' }),
      Laboratory.start(plane, { serviceAccount: 'caller' }),
    ]);
  });

  after(async () => {
    await Promise.all([sidecar.stop(), caller.kill()]);
    for (const server of [plain, secure]) {
      server.close();
      server.closeAllConnections();
    }
    await plane.stop();
    await rm(directory, { recursive: true });
  });

  const here = (): number => (plain.address() as AddressInfo).port;

  it('a sidecar calls those that a ServiceEntry names, where it says', async () => {
    assert.deepEqual(await through(sidecar, 'api.example.test'), [200, 'plain api.example.test']);
  });

  it('a sidecar speaks TLS where a DestinationRule says so, to the server that it means and to no other', async () => {
    assert.deepEqual(await through(sidecar, 'secure.example.test'), [200, 'secure secure.example.test']);
    const [status, body] = await through(sidecar, 'wrong.example.test');
    assert.match(
      `${status} ${body}`,
      /^503 INVALID_CERTIFICATE: .* for .*DNS:secure\.example\.test, and not for wrong\.example\.test/,
    );
  });

  it('a sidecar refuses all others, on record', async () => {
    const [status, body] = await through(sidecar, 'other.example.test');
    assert.match(
      `${status} ${body}`,
      /^403 EGRESS_DENIED: .*other\.example\.test is in no ServiceEntry .* REGISTRY_ONLY/,
    );
    assert.equal((await through(sidecar, 'api.example.test:81'))[0], 403, 'and other ports');
    assert.equal((await through(sidecar, '192.0.2.1'))[0], 403, 'and addresses');
    assert.equal((await through(sidecar, `localhost:${here()}`))[0], 200, 'but nothing on this machine');
    await until('the record', async () =>
      (await plane.records()).some(
        (record) =>
          record.authority === 'other.example.test' &&
          record.response_flags === 'UH' &&
          record.authorization_decision === 'DENY' &&
          record.authorization_policy === 'istio-system/default',
      ),
    );
  });

  const calls: readonly (readonly [fact: string, url: string, expected: RegExp])[] = [
    ['one that a ServiceEntry names', 'http://api.example.test/', /^200 plain api\.example\.test$/],
    ['another', 'http://other.example.test/', /^EGRESS_DENIED .*other\.example\.test is in no ServiceEntry/],
    ['an address', 'http://192.0.2.1/', /^EGRESS_DENIED .*192\.0\.2\.1 is in no ServiceEntry/],
    ['one to which TLS is to be spoken for it', 'http://secure.example.test/', /^200 secure secure\.example\.test$/],
    [
      'one whose certificate is for another',
      'http://wrong.example.test/',
      /^INVALID_CERTIFICATE .*and not for wrong\.example/,
    ],
  ];
  for (const [fact, url, expected] of calls) {
    it(`in process, by http and by fetch: ${fact}`, async () => {
      assert.match(await caller.run(get, url), expected);
      assert.match(await caller.run(fetched, url), expected);
    });
  }

  it('in process: a program does not say by itself what a name stands for', async () => {
    const leads = await caller.run(
      ({ net }, port) =>
        new Promise<string>((resolve) => {
          const lookup: LookupFunction = (_host, _options, callback) =>
            callback(null, [{ address: '127.0.0.1', family: 4 }]);
          const socket = net.connect({ host: 'named.example.test', port, lookup }, () => resolve('connected'));
          socket.on('error', ({ message }) => resolve(message));
        }),
      80,
    );
    assert.match(leads, /named\.example\.test/);
  });

  it('in process: this machine stays in reach', async () => {
    assert.match(await caller.run(get, `http://127.0.0.1:${here()}/`), /^200 plain/);
    assert.match(await caller.run(get, `http://localhost:${here()}/`), /^200 plain/);
  });

  it('in process: a connection that left is on record, one on this machine is not', async () => {
    for (const host of ['api.example.test', 'localhost'])
      await caller.run(
        ({ net }, [name, port]) =>
          new Promise<void>((resolve) => {
            const socket = net.connect({ host: name, port, family: 4 }, () => socket.end('GET / HTTP/1.0\r\n\r\n'));
            socket.resume().on('close', () => resolve());
          }),
        [host, host === 'localhost' ? here() : 80] as const,
      );
    const ofCaller = async (): Promise<readonly AccessLogRecord[]> =>
      (await plane.records()).filter(({ protocol }) => protocol === 'TCP');
    const record = await until('the record', async () =>
      (await ofCaller()).find(({ bytes_received: bytes }) => bytes === 'GET / HTTP/1.0\r\n\r\n'.length),
    );
    const { authority, upstream_host, response_flags, authorization_decision } = record;
    assert.deepEqual(
      [authority, upstream_host, response_flags, authorization_decision],
      ['api.example.test:80', `127.0.0.1:${here()}`, '-', 'ALLOW'],
    );
    assert.ok((await ofCaller()).every(({ authority: place }) => !place.startsWith('localhost')));
  });

  it('in process: a connection that is kept is not used on once TLS is spoken in another way', async () => {
    const url = 'http://secure.example.test/';
    const isSecure = async (): Promise<readonly boolean[]> =>
      Promise.all([getKept, fetched].map(async (by) => (await caller.run(by, url)).startsWith('200 secure')));
    assert.deepEqual(await isSecure(), [true, true]);
    const rule = { kind: 'DestinationRule', namespace: 'default', name: 'secure-example-test' };
    await plane.admin.deleteResource(rule);
    await until('neither to go on', async () => (await isSecure()).every((each) => !each));
    await plane.apply(originated('secure.example.test', join(directory, 'ca.pem')));
    await until('both to speak TLS again', async () => (await isSecure()).every(Boolean));
  });

  it('a workload in quarantine is cut off from them, behind a sidecar and in process, until it is let back in', async () => {
    await plane.apply(`apiVersion: rampart.dev/v1
kind: Quarantine
metadata: { name: caller, namespace: istio-system }
spec: { identities: [default/caller], reason: taken over }
`);
    const [status, body] = await until(
      'the sidecar to hear of it',
      async () => {
        const answer = await through(sidecar, 'api.example.test');
        return answer[0] === 200 ? undefined : answer;
      },
      WITHIN_A_SECOND,
    );
    assert.match(
      `${status} ${body}`,
      /^403 EGRESS_DENIED: .*in quarantine by Quarantine istio-system\/caller: taken over/,
    );
    assert.match(await caller.run(get, 'http://api.example.test/'), /^EGRESS_DENIED .*in quarantine/);
    await plane.admin.deleteResource({ kind: 'Quarantine', namespace: 'istio-system', name: 'caller' });
    await until('it to be let back in', async () => (await through(sidecar, 'api.example.test'))[0] === 200);
    await until('it to be let back in', async () =>
      (await caller.run(get, 'http://api.example.test/')).startsWith('200'),
    );
  });

  it('a connection is closed when what let it out is gone', async () => {
    await caller.run(
      ({ kept, net }) =>
        new Promise<void>((resolve) => {
          const socket = net.connect(80, 'api.example.test', () => resolve());
          socket.on('close', () => (kept['closed'] = true));
        }),
    );
    await plane.admin.deleteResource({ kind: 'ServiceEntry', namespace: 'default', name: 'plain' });
    await until('the connection to close', () => caller.run(({ kept }) => kept['closed'] === true));
    await until('the sidecar to hear of it', async () => (await through(sidecar, 'api.example.test'))[0] === 403);
  });
});

async function through(sidecar: SidecarProcess, host: string): Promise<[status: number, body: string]> {
  const { proxyPort } = sidecar.announcement;
  const options = { host: '127.0.0.1', port: proxyPort, path: `http://${host}/`, headers: { host }, agent: false };
  const [response] = (await once(http.get(options), 'response')) as [http.IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return [response.statusCode ?? 0, text.trimEnd()];
}

/** Runs in a workload: the answer, or the code and the words of the error. */
function get({ http: client }: Tools, url: string): Promise<string> {
  return new Promise((resolve) => {
    client
      .get(url, (response) => {
        let text = `${String(response.statusCode)} `;
        response.on('data', (chunk: Buffer) => (text += chunk.toString())).on('end', () => resolve(text));
      })
      .on('error', (error: Error & { code?: string }) => resolve(`${String(error.code)} ${error.message}`));
  });
}

/** The same on a connection that is kept. Runs in a workload. */
function getKept({ http: client, kept }: Tools, url: string): Promise<string> {
  const agent = (kept['agent'] ??= new client.Agent({ keepAlive: true })) as http.Agent;
  return new Promise((resolve) => {
    client
      .get(url, { agent }, (response) => {
        let text = `${String(response.statusCode)} `;
        response.on('data', (chunk: Buffer) => (text += chunk.toString())).on('end', () => resolve(text));
      })
      .on('error', (error: Error) => resolve(error.message));
  });
}

/** Runs in a workload. */
async function fetched(_: Tools, url: string): Promise<string> {
  try {
    const response = await fetch(url);
    return `${response.status} ${await response.text()}`;
  } catch (error) {
    const { code, message } = (error as { cause: { code?: string; message: string } }).cause;
    return `${String(code)} ${message}`;
  }
}
