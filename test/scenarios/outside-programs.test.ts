import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { CURL, freePort, HAPROXY, lacks, NGINX, OutsideProgram, PYTHON } from '../harness/outside-program.ts';
import { STRICT } from '../harness/policies.ts';
import { SidecarProcess } from '../harness/sidecar.ts';

const run = promisify(execFile);
const LARGE = randomBytes(3 * 1024 * 1024);
const SERVICES = ['site', 'files', 'talk'] as const;
type Service = (typeof SERVICES)[number];

/** Only the caller is let in. */
const ONLY_CALLER = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: only-caller }
spec:
  action: ALLOW
  rules: [{ from: [{ source: { principals: ["cluster.local/ns/default/sa/caller"] } }] }]
`;

/** Asks for another protocol with what Python has by itself, and says what it hears then. */
const PYTHON_UPGRADE = `
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1], 80, timeout=5)
connection.request('GET', '/', headers={'Host': 'talk', 'Connection': 'Upgrade', 'Upgrade': 'echo'})
socket = connection.sock
answer = b''
while not answer.endswith(b'\\r\\n\\r\\n'): answer += socket.recv(1)
socket.sendall(b'from python')
print(answer.split(b'\\r\\n')[0].decode(), socket.recv(100).decode())
`;

describe(
  'programs that nobody here wrote, behind sidecars and in front of them',
  { skip: lacks(NGINX, CURL, PYTHON) },
  () => {
    const programs: OutsideProgram[] = [];
    const sidecars: SidecarProcess[] = [];
    const addresses = new Map<Service, string>();
    let plane: ControlPlaneProcess;
    let caller: SidecarProcess;
    let stranger: SidecarProcess;

    before(async () => {
      plane = await ControlPlaneProcess.start();
      await plane.apply([STRICT, ONLY_CALLER].join('---\n'));
      const ports = { site: await freePort(), files: await freePort(), talk: await freePort() };
      programs.push(...(await Promise.all([site(ports.site), files(ports.files), talk(ports.talk)])));
      const starting = SERVICES.map((service) =>
        SidecarProcess.start(plane, { serviceAccount: service, service, args: ['--app-port', String(ports[service])] }),
      );
      [caller, stranger] = await Promise.all([
        SidecarProcess.start(plane, {
          serviceAccount: 'caller',
          args: ['--socks-port', '0', '--dns-port', '0', '--dns-forward', '127.0.0.1:9'],
        }),
        SidecarProcess.start(plane, { serviceAccount: 'stranger' }),
      ]);
      sidecars.push(caller, stranger, ...(await Promise.all(starting)));
      const resolver = new Resolver();
      resolver.setServers([`127.0.0.1:${caller.announcement.dnsPort}`]);
      for (const service of SERVICES) {
        const found = await until(service, () => resolver.resolve4(service).catch(() => undefined));
        addresses.set(service, found[0] ?? '');
      }
    });

    after(async () => {
      await Promise.all(sidecars.map((each) => each.stop()));
      for (const program of programs) program.stop();
      await plane.stop();
    });

    const addressOf = (service: Service): string => addresses.get(service) ?? '';
    const curl = async (...args: readonly string[]): Promise<Buffer> => {
      const options = { encoding: 'buffer', maxBuffer: 64 * 1024 * 1024 } as const;
      return (await run(CURL, ['-s', '-m', '10', ...args], options)).stdout;
    };
    const ways: readonly (readonly [name: string, args: (service: Service) => readonly string[]])[] = [
      ['by the HTTP proxy', () => ['-x', `http://127.0.0.1:${caller.announcement.proxyPort}`]],
      ['by a tunnel through it', () => ['-p', '-x', `http://127.0.0.1:${caller.announcement.proxyPort}`]],
      ['by SOCKS 5', () => ['-x', `socks5h://127.0.0.1:${caller.announcement.socksPort}`]],
      ['by the address of the name', (service) => ['--resolve', `${service}:80:${addressOf(service)}`]],
    ];
    for (const [way, args] of ways) {
      it(`curl fetches what nginx and Python serve, whole, ${way}`, async () => {
        for (const service of ['site', 'files'] as const) {
          const fetched = await curl(...args(service), `http://${service}/large`);
          assert.ok(fetched.equals(LARGE), `${service}: ${fetched.length} bytes`);
        }
      });
    }

    it('curl sends a body to nginx, gets parts of a file, and an answer without a body', async () => {
      const proxy = ['-x', `http://127.0.0.1:${caller.announcement.proxyPort}`];
      const file = join(programs[0]?.folder ?? '', 'large');
      assert.equal(
        String(await curl(...proxy, '--data-binary', `@${file}`, 'http://site/length')),
        String(LARGE.length),
      );
      const chunked = ['-H', 'Transfer-Encoding: chunked', '-T', file, '-X', 'POST', '-o', '/dev/null'];
      assert.equal(String(await curl(...proxy, ...chunked, '-w', '%{http_code}', 'http://site/length')), '200');
      assert.ok((await curl(...proxy, '-r', '100-199', 'http://site/large')).equals(LARGE.subarray(100, 200)));
      assert.match(String(await curl(...proxy, '-I', 'http://site/large')), /content-length: 3145728/i);
      const status = ['-o', '/dev/null', '-w', '%{http_code}'];
      assert.equal(String(await curl(...proxy, ...status, 'http://site/empty')), '204');
      assert.equal(String(await curl(...proxy, ...status, 'http://files/none')), '404');
    });

    it('is denied to a workload that no policy allows', async () => {
      const { proxyPort } = stranger.announcement;
      assert.equal(
        String(await curl('-x', `http://127.0.0.1:${proxyPort}`, 'http://site/large')),
        'RBAC: access denied',
      );
    });

    it("Node's own WebSocket talks to a service, in both directions and to an orderly end", async () => {
      const socket = new WebSocket(`ws://${addressOf('talk')}/`);
      socket.binaryType = 'arraybuffer';
      await once(socket, 'open');
      socket.send('hello');
      const [greeting] = (await once(socket, 'message')) as [MessageEvent];
      assert.equal(greeting.data, 'hello');
      const large = LARGE.subarray(0, 1024 * 1024);
      socket.send(large);
      const [answer] = (await once(socket, 'message')) as [{ readonly data: ArrayBuffer }];
      assert.ok(Buffer.from(answer.data).equals(large));
      socket.close(4001, 'enough');
      const [close] = (await once(socket, 'close')) as [CloseEvent];
      assert.deepEqual([close.code, close.wasClean], [4001, true]);
    });

    it('Python changes to a protocol of its own', async () => {
      const { stdout } = await run(PYTHON, ['-c', PYTHON_UPGRADE, addressOf('talk')]);
      assert.equal(stdout, 'HTTP/1.1 101 Switching Protocols from python\n');
    });

    it('HAProxy sends requests of many on few connections', { skip: lacks(HAPROXY) }, async () => {
      const port = await freePort();
      const haproxy = await OutsideProgram.haproxy(
        [
          'listen mesh\n  mode http\n  http-reuse always\n  option httpchk GET /empty',
          `  bind 127.0.0.1:${port}\n  http-check send hdr Host site\n  server site ${addressOf('site')}:80 check`,
        ],
        { port },
      );
      programs.push(haproxy);
      const urls = Array.from({ length: 60 }, (_, number) => [
        '-o',
        '/dev/null',
        `http://127.0.0.1:${port}/large?${number}`,
      ]);
      const codes = await curl('-Z', '--parallel-max', '20', '-w', '%{http_code} %{size_download}\n', ...urls.flat());
      assert.deepEqual([...new Set(String(codes).trim().split('\n'))], [`200 ${LARGE.length}`]);
    });
  },
);

/** nginx with a file, a place that says how long a body is, and one that has nothing to say. */
async function site(port: number): Promise<OutsideProgram> {
  const program = await OutsideProgram.nginx(
    `client_max_body_size 8m;
     server {
       listen 127.0.0.1:${port};
       location /length { return 200 $content_length; }
       location /empty { return 204; }
       location / { root .; }
     }`,
    port,
  );
  writeFileSync(join(program.folder, 'large'), LARGE);
  return program;
}

async function files(port: number): Promise<OutsideProgram> {
  return OutsideProgram.start(
    (folder) => {
      writeFileSync(join(folder, 'large'), LARGE);
      return [PYTHON, '-m', 'http.server', '--bind', '127.0.0.1', String(port)];
    },
    { port },
  );
}

/** WebSocket by a library, and an upgrade that is none. */
function talk(port: number): Promise<OutsideProgram> {
  const script = fileURLToPath(new URL('../services/talk.mjs', import.meta.url));
  return OutsideProgram.start(() => [process.execPath, script, String(port)], { port });
}
