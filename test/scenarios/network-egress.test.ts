import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, LookupFunction, Server, Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import type { Tools } from '../harness/laboratory.ts';

/** Everything on this host may be reached, but for one address and one port. */
const MOSTLY_OPEN = (port: number): string => `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: out }
spec:
  podSelector: { matchLabels: { app: caller } }
  policyTypes: [Egress]
  egress:
  - to: [{ ipBlock: { cidr: 127.0.0.0/8, except: [127.0.0.2/32] } }]
    ports: [{ port: 1, endPort: ${port} }]
`;

const SHUT = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: shut }
spec: { podSelector: { matchLabels: { app: held } }, policyTypes: [Egress] }
`;

/** Where a program connects to, and how. */
interface Attempt {
  readonly by?: 'net' | 'socket' | 'tls' | 'http2' | 'https';
  readonly host?: string;
  /** Added to the port of a server on 127.0.0.1. */
  readonly portsOn?: number;
  readonly path?: string;
  /** What the host resolves to. */
  readonly addresses?: readonly string[];
  /** Asks for one address only. */
  readonly single?: boolean;
}

const ATTEMPTS: readonly (readonly [name: string, attempt: Attempt, outcome: string])[] = [
  ['an address that a rule names', { host: '127.0.0.1' }, 'connected to 127.0.0.1'],
  ['an address that is excepted', { host: '127.0.0.2' }, 'EGRESS_DENIED'],
  ['a port outside the range', { host: '127.0.0.1', portsOn: 1 }, 'EGRESS_DENIED'],
  ['a port alone, which means this host', {}, 'connected to 127.0.0.1'],
  ['the unspecified address, which means this host', { host: '0.0.0.0' }, 'connected to 127.0.0.1'],
  ['a socket made first', { by: 'socket', host: '127.0.0.2' }, 'EGRESS_DENIED'],
  [
    'those addresses of a name that may be reached',
    { addresses: ['127.0.0.2', '127.0.0.1'] },
    'connected to 127.0.0.1',
  ],
  ['a name without one', { addresses: ['127.0.0.2', '127.0.0.2'] }, 'EGRESS_DENIED'],
  ['a name asked for one address', { addresses: ['127.0.0.2'], single: true }, 'EGRESS_DENIED'],
  ['a name that does not resolve', { addresses: [] }, 'ENOTFOUND'],
  ['TLS', { by: 'tls', host: '127.0.0.2' }, 'EGRESS_DENIED'],
  ['HTTP/2', { by: 'http2', host: '127.0.0.2' }, 'EGRESS_DENIED'],
  ['https', { by: 'https', host: '127.0.0.2' }, 'EGRESS_DENIED'],
  ['a Unix socket, which is no network', { path: '/nowhere/at/all.sock' }, 'ENOENT'],
];

/** The addresses of this host are excepted, as where a service must not be talked into calling its neighbours. */
const NOT_THIS_HOST = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: away }
spec:
  podSelector: { matchLabels: { app: away } }
  policyTypes: [Egress]
  egress:
  - to:
    - ipBlock: { cidr: 0.0.0.0/0, except: [127.0.0.0/8] }
    - ipBlock: { cidr: "::/0", except: ["::1/128"] }
`;

describe('what leaves a workload that a NetworkPolicy keeps in', () => {
  let plane: ControlPlaneProcess;
  let caller: Laboratory;
  let server: Server;
  const accepted = new Set<Socket>();

  before(async () => {
    plane = await ControlPlaneProcess.start();
    server = createServer((socket) => {
      accepted.add(socket);
      socket.on('error', () => undefined).write('hello');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    await plane.apply(MOSTLY_OPEN(port()));
    caller = await Laboratory.start(plane, { serviceAccount: 'caller' });
  });

  after(async () => {
    for (const socket of accepted) socket.destroy();
    server.close();
    await caller.kill();
    await plane.stop();
  });

  const port = (): number => (server.address() as AddressInfo).port;

  for (const [name, attempt, outcome] of ATTEMPTS) {
    it(`${name}: ${outcome}`, async () => {
      assert.equal(await caller.run(connect, { ...attempt, port: port() + (attempt.portsOn ?? 0) }), outcome);
    });
  }

  it('this host is not reached under any of its names', async () => {
    await plane.apply(NOT_THIS_HOST);
    const away = await Laboratory.start(plane, { serviceAccount: 'away' });
    try {
      for (const host of ['0.0.0.0', '0', '::', '::ffff:0.0.0.0', '::ffff:7f00:1', '127.1', '2130706433', 'localhost'])
        assert.equal(await away.run(connect, { host, port: port() }), 'EGRESS_DENIED', host);
      assert.equal(await away.run(connect, { addresses: ['0.0.0.0', '::'], port: port() }), 'EGRESS_DENIED');
    } finally {
      await away.kill();
    }
  });

  it('a connection that is open when the policy comes is closed, and a program that does not listen for errors goes on', async () => {
    const held = await Laboratory.start(plane, { serviceAccount: 'held' });
    try {
      await held.run(
        ({ kept, net }, to) =>
          new Promise<void>((resolve) => {
            const socket = net.connect(to, '127.0.0.1', () => resolve());
            socket.on('close', () => (kept['closed'] = true));
          }),
        port(),
      );
      await plane.apply(SHUT);
      await until('the connection to close', () => held.run(({ kept }) => kept['closed'] === true));
      await plane.admin.deleteResource({ kind: 'NetworkPolicy', namespace: 'default', name: 'shut' });
      await until('the way to be open again', () =>
        held.run(
          ({ net }, to) =>
            new Promise<boolean>((resolve) => {
              const socket = net.connect(to, '127.0.0.1', () => resolve(true));
              socket.on('error', () => resolve(false));
            }),
          port(),
        ),
      );
    } finally {
      await held.kill();
    }
  });
});

/** Runs in a workload: where the connection went, or the code of its error. */
function connect({ https, net, tls }: Tools, attempt: Attempt & { readonly port: number }): Promise<string> {
  const { by = 'net', host, port, path, addresses, single } = attempt;
  return new Promise((resolve) => {
    const failed = (error: Error & { code?: string }): void => resolve(String(error.code));
    const follow = (socket: Socket): void => {
      socket.on('error', failed).on('connect', () => {
        resolve(`connected to ${String(socket.remoteAddress)}`);
        socket.destroy();
      });
    };
    const lookup: LookupFunction = (_host, _options, callback) => {
      const [first] = addresses ?? [];
      if (first === undefined) callback(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), '', 0);
      else if (single === true) callback(null, first, 4);
      else callback(null, addresses?.map((address) => ({ address, family: 4 })) ?? []);
    };
    const address = addresses === undefined ? { port, family: 4 } : { port, host: 'somewhere.example', lookup };
    if (path !== undefined) follow(net.connect(path));
    else if (by === 'socket') follow(new net.Socket().connect(port, host ?? ''));
    else if (by === 'tls') follow(tls.connect(port, host));
    else if (by === 'http2')
      process.getBuiltinModule('node:http2').connect(`http://${host}:${port}`).on('error', failed);
    else if (by === 'https') https.get(`https://${host}:${port}/`).on('error', failed);
    else if (host !== undefined) follow(net.connect(port, host));
    else follow(net.connect({ ...address, autoSelectFamily: single !== true }));
  });
}
