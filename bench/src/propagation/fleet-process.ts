// Many data planes in one process, each with an identity and a control stream of its own.
import { readFileSync } from 'node:fs';

import { SpiffeId, type Clock, type RequestAttributes } from '@rampart/core';
import { startDataPlane, type DataPlane, type MeshLog } from '@rampart/mesh';
import { fromPem } from '@rampart/spiffe';

import { PROBE, type FleetMessage, type FleetOrder } from './order.ts';

const READY_MS = 30_000;
const CLOCK: Clock = {
  now: () => Date.now(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    return { cancel: () => clearTimeout(timer) };
  },
};

const report = (message: string, fields?: Readonly<Record<string, unknown>>): void => {
  process.stderr.write(`data plane: ${message} ${fields === undefined ? '' : JSON.stringify(fields)}\n`);
};
const LOG: MeshLog = { error: report, warn: report, info: () => undefined, debug: () => undefined };

const planes: DataPlane[] = [];
/** When each data plane began to deny what this round is about; milliseconds of the machine's monotonic clock. */
let seenAt = new Map<DataPlane, number>();
let denies: (plane: DataPlane) => boolean = () => false;
let whenComplete = Promise.withResolvers<undefined>();

process.on('message', (message) => {
  void answer(message as FleetMessage).then((reply) => process.send?.(reply));
});
process.once('disconnect', () => process.exit(0));
process.send?.({});

async function answer(message: FleetMessage): Promise<Record<string, unknown>> {
  switch (message.kind) {
    case 'start':
      return start(message);
    case 'arm':
      return arm('path' in message ? deniesPath(message.path) : refuses(SpiffeId.of(message.spiffeId)));
    case 'enforced':
      await whenComplete.promise;
      return { seenAt: [...seenAt.values()] };
    case 'stop':
      await Promise.all(planes.map((plane) => plane.stop(100)));
      return {};
  }
}

async function start(order: FleetOrder): Promise<Record<string, unknown>> {
  const { rootNamespace, spoolDirectory } = order;
  const roots = fromPem(readFileSync(order.caFile, 'utf8'));
  const address = { url: new URL(order.address), roots, rootNamespace };
  for (const { id, joinToken, port } of order.planes) {
    const common = {
      address,
      kind: 'node',
      version: '0.1.0',
      pid: process.pid,
      clock: CLOCK,
      random: Math.random,
    } as const;
    const plane = startDataPlane({
      ...common,
      id,
      evidence: { kind: 'join-token', token: joinToken },
      spoolDirectory,
      log: LOG,
    });
    plane.instances.add({ instanceId: id, host: '', port, protocol: 'http' });
    plane.view.subscribe(() => look(plane));
    planes.push(plane);
    // One after the other: the subject is not how quickly a fleet attests.
    const readiness = await plane.whenReady(READY_MS);
    if (readiness !== 'ready') throw new Error(`data plane ${id} is ${readiness}`);
  }
  return { ready: planes.length };
}

function arm(next: typeof denies): Record<string, unknown> {
  denies = next;
  seenAt = new Map();
  whenComplete = Promise.withResolvers();
  const early = planes.filter((plane) => denies(plane)).length;
  return { early };
}

function look(plane: DataPlane): void {
  if (seenAt.has(plane) || !denies(plane)) return;
  seenAt.set(plane, Number(process.hrtime.bigint()) / 1_000_000);
  if (seenAt.size === planes.length) whenComplete.resolve(undefined);
}

/** Asks as a request on a new connection would. */
function deniesPath(path: string): typeof denies {
  return (plane) => {
    const connection = plane.view.policy.forConnection({
      principal: PROBE,
      sourceIp: '127.0.0.1',
      destinationIp: '127.0.0.1',
      destinationPort: 8080,
      sni: '',
    });
    return connection.evaluate(new Probe(path)).decision === 'DENY';
  };
}

/** Asks as the handshake of a connection would, and the judging of those that are open. */
function refuses(spiffeId: SpiffeId): typeof denies {
  const certificate = { serial: '01', spiffeId, notBefore: CLOCK.now() - 60_000, authorityKeyId: undefined };
  return (plane) => plane.view.revocationOf(certificate) !== undefined;
}

class Probe implements RequestAttributes {
  readonly method = 'GET';
  readonly path: string;
  readonly host = 'service:8080';
  readonly token = undefined;
  readonly remoteIp = '127.0.0.1';

  constructor(path: string) {
    this.path = path;
  }

  header(_name: string): string | undefined {
    return undefined;
  }
}
