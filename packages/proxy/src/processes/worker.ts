import type { Socket } from 'node:net';

import { RampartError } from '@rampart/core';
import type { Clock, Random } from '@rampart/core';
import {
  createLineLog,
  openSharedPlane,
  RelayedLease,
  RelayedNonces,
  StandingReport,
  TrafficMetrics,
} from '@rampart/mesh';

import { openSidecar } from '../sidecar/sidecar.ts';
import type { OpenSidecar } from '../sidecar/sidecar.ts';
import { stopwatch } from '../stopwatch.ts';
import { HandedDoors } from './handed-doors.ts';
import type { FromWorker, ToWorker, WorkerStart } from './messages.ts';

export interface WorkerSurroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly pid: number;
  send(message: FromWorker): void;
  write(line: string): void;
  /** Ends this process. */
  end(): void;
}

const HAND_OVER_MS = 2000;

/** One of the processes of a sidecar: it serves, and another one leads. Returns what takes the messages of that one. */
export function createWorker(surroundings: WorkerSurroundings): (message: ToWorker, socket?: Socket) => void {
  const { send, end } = surroundings;
  const doors = new HandedDoors(send);
  let serving: Serving | undefined;
  const stop = async (): Promise<void> => {
    await (await serving?.sidecar)?.stop(HAND_OVER_MS);
    end();
  };
  return (message, socket) => {
    switch (message.kind) {
      case 'start':
        serving = serve(message, doors, surroundings);
        break;
      case 'count':
        void serving?.sidecar.then((sidecar) =>
          send({ kind: 'counted', id: message.id, families: sidecar?.families() ?? [] }),
        );
        break;
      case 'opening':
        doors.opened(message.door, message.opening);
        break;
      case 'connection':
        doors.enter(message.door, socket);
        break;
      case 'drain':
        void serving?.sidecar.then(async (sidecar) => {
          if (sidecar !== undefined) forget(sidecar);
          await sidecar?.drain(message.milliseconds);
          send({ kind: 'drained' });
        });
        break;
      case 'stop':
        void stop();
        break;
      case 'member':
      case 'update':
      case 'shares':
      case 'nonce-standing':
        if (serving !== undefined) know(message, serving);
    }
  };
}

/** What this process is to know from now on. */
function know(
  message: Extract<ToWorker, { readonly kind: 'member' | 'update' | 'shares' | 'nonce-standing' }>,
  { shared, lease, nonces }: Serving,
): void {
  switch (message.kind) {
    case 'member':
      shared.become(message.member);
      break;
    case 'update':
      shared.apply(message.update);
      break;
    case 'shares':
      lease.answered(message);
      break;
    case 'nonce-standing':
      nonces.answered(message);
      break;
  }
}

/** The one that leads has taken them out of the registry, and waited for it. */
function forget({ plane: { instances } }: OpenSidecar): void {
  const known = new Set(instances.all.map(({ instanceId }) => instanceId));
  for (const instanceId of known) instances.remove(instanceId);
  instances.confirm(known);
}

interface Serving {
  readonly shared: ReturnType<typeof openSharedPlane>;
  readonly lease: RelayedLease;
  readonly nonces: RelayedNonces;
  /** Undefined where it could not be opened. */
  readonly sidecar: Promise<OpenSidecar | undefined>;
}

function serve(start: WorkerStart, { listen }: HandedDoors, surroundings: WorkerSurroundings): Serving {
  const { clock, random, pid, send, write } = surroundings;
  const { places, isCounted, rootNamespace, state, logLevel, version } = start;
  const log = createLineLog('sidecar', logLevel, write);
  const lease = new RelayedLease(send);
  const nonces = new RelayedNonces(send, clock);
  const standing = new StandingReport();
  standing.observe((changed) => send({ kind: 'standing', standing: changed }));
  const shared = openSharedPlane(state, {
    rootNamespace,
    clock,
    random,
    log,
    relay: (collected) => send({ kind: 'records', collected }),
    lease: (wants) => lease.ask(wants),
    nonces,
    standing,
    metrics: isCounted ? new TrafficMetrics() : undefined,
  });
  shared.plane.instances.observe((instance, isThere) => send({ kind: 'instance', instance, isThere }));
  const opened = openSidecar(shared.plane, places, { clock, stopwatch, random, log, pid, version, listen });
  const sidecar = opened.then(
    (open) => {
      const { meshPort, proxyPort, socksPort, redirectPort, dnsPort } = open;
      const ports = { meshPort, proxyPort, socksPort, redirectPort, dnsPort };
      send({ kind: 'opened', ports });
      return open;
    },
    (error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      send({ kind: 'failed', code: error instanceof RampartError ? error.code : 'INTERNAL', message });
      return undefined;
    },
  );
  return { shared, lease, nonces, sidecar };
}
