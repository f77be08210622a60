import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import type { Tools } from '../harness/laboratory.ts';

const NAME = 'store';

function policy(ingress: string): string {
  return `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: ${NAME} }
spec:
  podSelector: { matchLabels: { app: ${NAME} } }
  policyTypes: [Ingress]
  ingress: ${ingress}
`;
}

const BY_LABEL = policy('[{ from: [{ podSelector: {} }, { namespaceSelector: {} }] }]');
const BY_ADDRESS = policy('[{ from: [{ ipBlock: { cidr: 127.0.0.0/8 } }] }]');

/** Servers that are no servers of node:http or node:https. */
const KINDS = ['net', 'http2'] as const;
type Kind = (typeof KINDS)[number];

describe('servers that speak no HTTP/1 in a workload that a NetworkPolicy selects', () => {
  let plane: ControlPlaneProcess;
  let store: Laboratory;
  const ports = new Map<Kind, number>();

  before(async () => {
    plane = await ControlPlaneProcess.start();
    store = await Laboratory.start(plane, { serviceAccount: NAME });
    for (const kind of KINDS) ports.set(kind, await store.run(listen, kind));
  });
  after(async () => {
    await store.kill();
    await plane.stop();
  });

  const portOf = (kind: Kind): number => ports.get(kind) ?? 0;

  /** Whether the server has the connection: it says hello to each that reaches it. */
  async function isServed(kind: Kind): Promise<boolean> {
    if (kind === 'http2') {
      const session = connectHttp2(`http://127.0.0.1:${portOf(kind)}`);
      session.on('error', () => undefined);
      const settings = once(session, 'remoteSettings').then(() => true);
      const isThere = await Promise.race([settings, once(session, 'close').then(() => false)]).catch(() => false);
      session.destroy();
      return isThere;
    }
    const socket = open(kind);
    const isThere = await Promise.race([
      once(socket, 'data').then(() => true),
      once(socket, 'close').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    return isThere;
  }

  function open(kind: Kind): Socket {
    const socket = connect(portOf(kind), '127.0.0.1');
    socket.on('error', () => undefined);
    return socket;
  }

  for (const kind of KINDS) {
    it(`${kind}: everybody without a policy, nobody by labels that plaintext does not prove, and by address`, async () => {
      await plane.admin.deleteResource({ kind: 'NetworkPolicy', namespace: 'default', name: NAME });
      await until('the way to be open', () => isServed(kind));
      await plane.apply(BY_LABEL);
      await until('the policy to hold', async () => !(await isServed(kind)));
      assert.equal(await store.run(reachOwn, portOf(kind)), 'connected', 'never cut off from itself');
      const refusal = await until('the refusal', async () =>
        (await plane.refusals()).find(({ local_port }) => local_port === portOf(kind)),
      );
      assert.equal(refusal.kind, 'policy_denied');
      assert.match(
        refusal.reason,
        /^no ingress rule of NetworkPolicy default\/store lets 127\.0\.0\.1 in on port \d+$/,
      );
      await plane.apply(BY_ADDRESS);
      await until('the way to be open again', () => isServed(kind));
    });
  }

  it('an open connection is closed when the policy does not let it in any more', async () => {
    await plane.apply(BY_ADDRESS);
    await until('the way to be open', () => isServed('net'));
    const socket = open('net');
    await once(socket, 'data');
    // With a reset: half of something must not be taken for the whole.
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await plane.apply(BY_LABEL);
    await closed;
  });
});

/** Runs in a workload. */
function listen({ net, kept }: Tools, kind: string): Promise<number> {
  const greet = (socket: Socket): void => {
    socket.on('error', () => undefined);
    socket.write('hello');
  };
  const server: Server =
    kind === 'net' ? net.createServer(greet) : process.getBuiltinModule('node:http2').createServer();
  kept[`server ${kind}`] = server;
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/** Runs in a workload: whether its own port answers, be it that it makes no sense of what is sent. */
function reachOwn({ net }: Tools, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', (error) => resolve(error.message)).on('close', () => resolve('closed'));
    socket.on('data', () => {
      resolve('connected');
      socket.destroy();
    });
    socket.write('\0'.repeat(64));
  });
}
