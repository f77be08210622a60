// The intruder outside the mesh, as a process of its own: it reached the host and knows a service's port.
// Arguments: port of the service, file of the mesh's public root certificates, port of a sidecar. Prints one Attempt a line.
import { readFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import type { Attempt, AttemptName } from './attempt.ts';
import { forgeIdentity } from './forgery.ts';
import type { ForgedIdentity } from './forgery.ts';

const [port = '', rootsFile = '', sidecarPort = ''] = process.argv.slice(2);
const roots = readFileSync(rootsFile, 'utf8');
const HOST = '127.0.0.1';
const PATIENCE_MS = 3000;
const PATH = '/api/orders/1';
const REQUEST = `GET ${PATH} HTTP/1.1\r\nHost: orders-api.default\r\nConnection: close\r\n\r\n`;

const victim = 'spiffe://cluster.local/ns/default/sa/users-api';
const foreign = 'spiffe://evil.example/ns/default/sa/users-api';

// oxlint-disable-next-line no-restricted-properties -- the intruder is the outside world
const now = Date.now();
const stolen = await forgeIdentity(victim, now);
const attempts = await Promise.all([
  attack('plaintext', connectTcp(Number(port), HOST)),
  attack('no certificate', dial(port)),
  attack('another trust domain', dial(port, await forgeIdentity(foreign, now))),
  attack('stolen name', dial(port, stolen)),
  ...(sidecarPort === ''
    ? []
    : [
        attack('plaintext to a sidecar', connectTcp(Number(sidecarPort), HOST)),
        attack('stolen name to a sidecar', dial(sidecarPort, stolen)),
      ]),
]);
for (const attempt of attempts) process.stdout.write(`${JSON.stringify(attempt)}\n`);

/** The intruder checks the service's certificate against the public roots, not its name: it does not care who answers. */
function dial(to: string, identity?: ForgedIdentity): TLSSocket {
  return connectTls({
    host: HOST,
    port: Number(to),
    ca: roots,
    checkServerIdentity: () => undefined,
    ...(identity === undefined ? {} : { key: identity.key, cert: identity.chain }),
  });
}

function attack(name: AttemptName, socket: Socket | TLSSocket): Promise<Attempt> {
  return new Promise((resolve) => {
    let from = '';
    let answer = '';
    let reason = 'connection closed without an answer';
    let serverSerial = '';
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error(`no answer and still open after ${PATIENCE_MS} ms`)));
    socket.on('connect', () => {
      from = `${HOST}:${socket.localPort ?? 0}`;
    });
    socket.on('secureConnect', () => {
      if ('getPeerX509Certificate' in socket) serverSerial = socket.getPeerX509Certificate()?.serialNumber ?? '';
    });
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', (error: Error) => {
      reason = `connection closed without an answer (${describe(error)})`;
    });
    socket.on('close', () => {
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
      const outcome = answer === '' ? reason : `answered ${answer.split('\r\n', 1)[0] ?? ''}`;
      resolve({ name, path: PATH, outcome, status, body: answer.split('\r\n\r\n')[1] ?? '', from, serverSerial });
    });
    socket.write(REQUEST);
  });
}

function describe(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
