import { setEnvironmentData } from 'node:worker_threads';
import type { Worker } from 'node:worker_threads';

import { answerLease, answerNonce, memberOf, portableUpdate, sharedState } from '@rampart/mesh';
import type { DataPlane } from '@rampart/mesh';

import type { NodeConfig } from '../config.ts';
import type { Tenant, Tenants } from './tenants.ts';
import { ThreadChannel } from './thread-channel.ts';
import { isFromThread, THREADS } from './thread-messages.ts';
import type { FromThread, Handover, ToThread } from './thread-messages.ts';

export interface ThreadHostOptions {
  readonly host: NodeJS.Process;
  readonly config: NodeConfig;
  readonly plane: DataPlane;
  readonly tenants: Tenants;
}

/**
 * Shares identity and snapshot with the threads of this process. Nothing is made before there is a thread: what it is given is
 * put together while it is constructed, so that it need not wait for this thread, which may be waiting for it.
 */
export function hostThreads({ host, config, plane, tenants }: ThreadHostOptions): void {
  let shared: ThreadHost | undefined;
  const { instanceHost, logLevel, address } = config;
  const { rootNamespace } = address;
  setEnvironmentData(THREADS, {
    get handover(): Handover {
      shared ??= new ThreadHost(plane, tenants);
      return { instanceHost, logLevel, rootNamespace, state: sharedState(plane) };
    },
  });
  host.on('worker', (worker: Worker) => {
    const { threadId } = worker;
    worker.once('exit', () => shared?.ended(threadId));
  });
  // What threads said last is heard before the records of this process are written.
  host.on('exit', () => shared?.hear());
}

class ThreadHost {
  readonly #plane: DataPlane;
  readonly #tenants: Tenants;
  readonly #channel: ThreadChannel;
  readonly #threads = new Map<number, Tenant>();
  /** What they said last may be heard after their end: nobody would take it back any more. */
  readonly #ended = new Set<number>();

  constructor(plane: DataPlane, tenants: Tenants) {
    this.#plane = plane;
    this.#tenants = tenants;
    this.#channel = new ThreadChannel((message) => this.#receive(message));
    plane.identity.subscribe(() => this.#tellMember(undefined));
    plane.view.follow((update) => this.#post({ to: undefined, kind: 'update', update: portableUpdate(update) }));
  }

  hear(): void {
    this.#channel.hear();
  }

  ended(thread: number): void {
    this.#ended.add(thread);
    const tenant = this.#threads.get(thread);
    this.#threads.delete(thread);
    if (tenant === undefined) return;
    this.#plane.standing?.leave(tenant);
    this.#tenants.gone(tenant);
  }

  #receive(message: unknown): void {
    if (!isFromThread(message)) return;
    switch (message.kind) {
      case 'records':
        this.#plane.telemetry.collect(message.collected);
        break;
      case 'lease':
        void answerLease(message, this.#plane.limits.lease).then((answer) =>
          this.#post({ to: message.from, ...answer }),
        );
        break;
      case 'nonce':
        void answerNonce(message, this.#plane.signatures.nonces).then((answer) =>
          this.#post({ to: message.from, ...answer }),
        );
        break;
      case 'standing':
        if (!this.#ended.has(message.from)) this.#plane.standing?.set(message.standing, this.#tenant(message.from));
        break;
      case 'behind':
        this.#catchUp(message);
        break;
      case 'ended':
        this.ended(message.thread);
        break;
      case 'open':
      case 'close':
      case 'left':
        this.#tenants.receive(this.#tenant(message.from), message);
    }
  }

  #catchUp({ from, revision, serial }: Extract<FromThread, { kind: 'behind' }>): void {
    const { identity, view } = this.#plane;
    if (identity.current !== undefined && identity.current.serial !== serial) this.#tellMember(from);
    if (view.revision !== revision) this.#post({ to: from, kind: 'update', update: portableUpdate(view.snapshot) });
  }

  #tellMember(to: number | undefined): void {
    const member = memberOf(this.#plane);
    if (member !== undefined) this.#post({ to, kind: 'member', member });
  }

  #tenant(thread: number): Tenant {
    const known = this.#threads.get(thread);
    if (known !== undefined) return known;
    const tenant: Tenant = { send: (message) => this.#post({ to: thread, ...message }) };
    this.#threads.set(thread, tenant);
    return tenant;
  }

  #post(message: ToThread): void {
    this.#channel.post(message);
  }
}
