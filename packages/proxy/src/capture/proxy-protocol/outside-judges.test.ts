import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { clock } from '../../testing/real-clock.ts';
import { startServer, Talker } from '../../testing/servers.ts';
import type { TestServer } from '../../testing/servers.ts';
import type { ProxyHeader } from './proxy-header.ts';
import { readProxyHeader } from './read-proxy-header.ts';
import { writeProxyHeaderV1, writeProxyHeaderV2 } from './write-proxy-header.ts';

const HAPROXY = '/usr/sbin/haproxy';
const missing = existsSync(HAPROXY) ? false : 'needs haproxy';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('HAProxy, whose protocol it is,', { skip: missing }, () => {
  const headers: ProxyHeader[] = [];
  const problems: string[] = [];
  let server: TestServer;
  let haproxy: ChildProcess;
  let folder: string;
  let ports: { readonly v1: number; readonly v2: number; readonly reads: number };

  before(async () => {
    server = await startServer((socket) =>
      readProxyHeader(socket, {
        clock,
        done: (header) => {
          headers.push(header);
          socket.pipe(socket);
        },
        failed: (reason) => void problems.push(reason),
      }),
    );
    folder = await mkdtemp(join(tmpdir(), 'rampart-proxy-protocol-'));
    ports = { v1: await freePort(), v2: await freePort(), reads: await freePort() };
    const lines = [
      'defaults',
      '  timeout connect 5s',
      '  timeout client 5s',
      '  timeout server 5s',
      ...(['v1', 'v2'] as const).flatMap((version) => [
        `listen ${version}`,
        '  mode tcp',
        `  bind 127.0.0.1:${ports[version]}`,
        `  server s 127.0.0.1:${server.port} send-proxy${version === 'v2' ? '-v2-ssl-cn' : ''}`,
      ]),
      'frontend reads',
      '  mode http',
      `  bind 127.0.0.1:${ports.reads} accept-proxy`,
      '  http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[dst] %[dst_port]"',
      '',
    ];
    await writeFile(join(folder, 'haproxy.cfg'), lines.join('\n'));
    haproxy = spawn(HAPROXY, ['-f', join(folder, 'haproxy.cfg'), '-db'], { stdio: 'ignore' });
    await until('HAProxy', async () => {
      const probe = Talker.to(ports.reads);
      await until('an answer', () => !probe.socket.connecting || probe.error !== '');
      probe.socket.destroy();
      return probe.error === '';
    });
  });
  after(async () => {
    haproxy.kill();
    server.close();
    await rm(folder, { recursive: true });
  });

  for (const version of ['v1', 'v2'] as const) {
    it(`is understood when it writes ${version}`, async () => {
      const talker = Talker.to(ports[version]);
      talker.socket.write('hello');
      await until('the echo', () => talker.heard === 'hello');
      const { source, destination } = headers.at(-1)?.ends ?? {};
      assert.deepEqual(source, { address: '127.0.0.1', port: talker.socket.localPort });
      assert.deepEqual(destination, { address: '127.0.0.1', port: ports[version] });
      assert.deepEqual(problems, []);
      talker.socket.destroy();
    });
  }

  const ends = [
    ['192.0.2.1', '192.0.2.2', '192.0.2.1 5 192.0.2.2 80'],
    ['2001:db8::1', '2001:db8::2', '2001:db8::1 5 2001:db8::2 80'],
    ['192.0.2.1', '2001:db8::2', '::ffff:192.0.2.1 5 2001:db8::2 80'],
  ] as const;
  for (const [name, write] of [
    ['v1', writeProxyHeaderV1],
    ['v2', writeProxyHeaderV2],
  ] as const) {
    for (const [from, to, expected] of ends) {
      it(`understands ${name} from ${from} to ${to}`, async () => {
        const header = write({
          source: { address: from, port: 5 },
          destination: { address: to, port: 80 },
          principal: 'spiffe://cluster.local/ns/default/sa/users-api',
          tlsVersion: 'TLSv1.3',
        });
        const talker = Talker.to(ports.reads);
        talker.socket.write(Buffer.concat([header, Buffer.from('GET / HTTP/1.0\r\n\r\n')]));
        await until('the answer', () => talker.hasEnded || talker.isClosed);
        assert.equal(talker.heard.split('\r\n\r\n')[1], expected);
        talker.socket.destroy();
      });
    }
  }
});
