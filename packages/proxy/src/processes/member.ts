import type { ChildProcess } from 'node:child_process';

import { RampartError } from '@rampart/core';
import type { ErrorCode } from '@rampart/core';
import { answerLease, answerNonce, merged } from '@rampart/mesh';
import type { DataPlane, MetricFamily, StandingReport } from '@rampart/mesh';

import type { FromWorker, OpenPorts, ToWorker } from './messages.ts';
import type { SharedInstances } from './shared-instances.ts';
import type { DoorTaker, SharedDoors, WaitingConnection } from './shared-doors.ts';

export interface MemberOptions {
  readonly plane: DataPlane;
  readonly doors: SharedDoors;
  readonly instances: SharedInstances;
  readonly standings: StandingReport;
  /** Asked for once the process can take it, so that nothing that has changed meanwhile is missed. */
  readonly start: () => ToWorker;
}

/** How a process ended. */
export interface MemberExit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** One of the processes that serve, as the one that leads sees it. */
export class Member implements DoorTaker {
  readonly opened: Promise<OpenPorts>;
  readonly drained: Promise<void>;
  readonly exited: Promise<MemberExit>;
  /** What it had counted when it was last asked. */
  counted: readonly MetricFamily[] = [];
  readonly #worker: ChildProcess;
  readonly #open = Promise.withResolvers<OpenPorts>();
  readonly #drain = Promise.withResolvers<void>();
  readonly #questions = new Map<number, () => void>();
  #handed: (hasArrived: boolean) => void = () => {};
  #isUp = false;
  #lastQuestion = 0;

  constructor(worker: ChildProcess, options: MemberOptions) {
    const { doors, instances, standings, start } = options;
    this.#worker = worker;
    this.opened = this.#open.promise;
    this.drained = this.#drain.promise;
    this.exited = new Promise((resolve) => {
      worker.once('exit', (code: number | null, signal: string | null) => {
        this.#isUp = false;
        this.#open.reject(new RampartError('INTERNAL', `a process of the sidecar ended with ${signal ?? code ?? 0}`));
        this.#drain.resolve();
        doors.leave(this);
        instances.leave(this);
        standings.leave(this);
        this.#handed(false);
        for (const answered of this.#questions.values()) answered();
        resolve({ code, signal });
      });
    });
    // Who waits for it is told; where nobody does, `exited` says enough.
    this.opened.catch(() => undefined);
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'up') {
        this.#isUp = true;
        this.send(start());
      } else this.#receive(message, options);
    });
    worker.on('error', () => undefined);
  }

  /** Changes that come before the process is up are in what it starts with. */
  send(message: ToWorker): void {
    if (this.#isUp && this.#worker.connected) this.#worker.send(message, () => undefined);
  }

  /** Resolves with what it has counted by now; all that it was told before has arrived then. */
  count(): Promise<readonly MetricFamily[]> {
    if (!this.#isUp) return Promise.resolve(this.counted);
    this.#lastQuestion += 1;
    const id = this.#lastQuestion;
    return new Promise((resolve) => {
      this.#questions.set(id, () => {
        this.#questions.delete(id);
        resolve(this.counted);
      });
      this.send({ kind: 'count', id });
    });
  }

  hand(connection: WaitingConnection, done: (hasArrived: boolean) => void): void {
    this.#handed = (hasArrived) => {
      this.#handed = () => {};
      done(hasArrived);
    };
    if (!this.#worker.connected) return this.#handed(false);
    const message: ToWorker = { kind: 'connection', door: connection.door };
    // Kept open here until it has arrived: what is on its way to a process that dies would otherwise hang.
    this.#worker.send(message, connection.socket, { keepOpen: true }, (error) => {
      if (error !== null) this.#handed(false);
    });
  }

  kill(): void {
    this.#worker.kill('SIGKILL');
  }

  #receive(
    message: Exclude<FromWorker, { readonly kind: 'up' }>,
    { plane, doors, instances, standings }: MemberOptions,
  ): void {
    switch (message.kind) {
      case 'open':
        void doors.open(message.door, message.place).then((opening) => {
          this.send({ kind: 'opening', door: message.door, opening });
        });
        break;
      case 'taken':
        this.#handed(true);
        break;
      case 'opened':
        this.#whileUp(() => {
          doors.join(this);
          this.#open.resolve(message.ports);
        });
        break;
      case 'instance':
        this.#whileUp(() => instances.heard(this, message.instance, message.isThere));
        break;
      case 'failed':
        this.#open.reject(new RampartError(message.code as ErrorCode, message.message));
        break;
      case 'standing':
        this.#whileUp(() => standings.set(message.standing, this));
        break;
      case 'records':
        plane.telemetry.collect(message.collected);
        break;
      case 'lease':
        void answerLease(message, plane.limits.lease).then((answer) => this.send(answer));
        break;
      case 'nonce':
        void answerNonce(message, plane.signatures.nonces).then((answer) => this.send(answer));
        break;
      case 'counted':
        this.counted = message.families;
        this.#questions.get(message.id)?.();
        break;
      case 'drained':
        this.#drain.resolve();
        break;
      case 'over':
        break;
    }
  }

  /** What it said last may be heard after its end: nobody would take it back any more. */
  #whileUp(take: () => void): void {
    if (this.#isUp) take();
  }
}

/** What is left of the counts of a process that has gone: what only grows. */
export function remains(before: readonly MetricFamily[], { counted }: Member): readonly MetricFamily[] {
  return merged([before, counted.filter(({ type }) => type !== 'gauge')]);
}
