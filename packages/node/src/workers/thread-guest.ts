import { getEnvironmentData, threadId } from 'node:worker_threads';
import type { Worker } from 'node:worker_threads';

import type { Random } from '@rampart/core';
import { openSharedPlane, RelayedLease, RelayedNonces, StandingReport } from '@rampart/mesh';
import type { DataPlane, MeshLog } from '@rampart/mesh';

import { systemClock } from '../clock.ts';
import { createLog } from '../log.ts';
import type { Parent, ToWorker } from './messages.ts';
import { ThreadChannel } from './thread-channel.ts';
import { isFor, readHandover, THREADS } from './thread-messages.ts';
import type { FromThread } from './thread-messages.ts';

/** A thread's part in its process's membership. */
export interface ThreadMembership {
  readonly plane: DataPlane;
  readonly parent: Parent;
  readonly instanceHost: string;
  readonly log: MeshLog;
}

export interface ThreadGuestOptions {
  readonly host: NodeJS.Process;
  readonly write: (line: string) => void;
  readonly random: Random;
}

/** Undefined in a thread whose process is no member of the mesh. */
export function joinAsThread({ host, write, random }: ThreadGuestOptions): ThreadMembership | undefined {
  const handover = readHandover(getEnvironmentData(THREADS));
  if (handover === undefined) return undefined;
  const channel = new ThreadChannel((message) => receive(message));
  const post = (message: FromThread): void => channel.post(message);
  const log = createLog(handover.logLevel, write);
  const lease = new RelayedLease((question) => post({ from: threadId, ...question }));
  const nonces = new RelayedNonces((question) => post({ from: threadId, ...question }), systemClock);
  const standing = new StandingReport();
  standing.observe((changed) => post({ from: threadId, kind: 'standing', standing: changed }));
  const { plane, become, apply } = openSharedPlane(handover.state, {
    rootNamespace: handover.rootNamespace,
    clock: systemClock,
    random,
    log,
    relay: (collected) => post({ from: threadId, kind: 'records', collected }),
    lease: (wants) => lease.ask(wants),
    nonces,
    standing,
  });
  let listener: ((message: ToWorker) => void) | undefined;
  const receive = (message: unknown): void => {
    if (!isFor(message, threadId)) return;
    if (message.kind === 'member') become(message.member);
    else if (message.kind === 'update') apply(message.update);
    else if (message.kind === 'shares') lease.answered(message);
    else if (message.kind === 'nonce-standing') nonces.answered(message);
    else listener?.(message);
  };
  // Between the making of this thread and now, its process may have learned more.
  post({ from: threadId, kind: 'behind', revision: plane.view.revision, serial: plane.identity.current?.serial ?? '' });
  host.on('worker', (worker: Worker) => {
    const thread = worker.threadId;
    worker.once('exit', () => post({ from: threadId, kind: 'ended', thread }));
  });
  const parent: Parent = {
    send: (message) => post({ from: threadId, ...message }),
    receive: (each) => {
      listener = each;
    },
  };
  return { plane, parent, instanceHost: handover.instanceHost, log };
}
