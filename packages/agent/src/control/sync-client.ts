import { RampartError } from '@rampart/core';
import type { Clock, Random, Timer } from '@rampart/core';
import { Backoff, openChannel, RemoteError } from '@rampart/mesh';
import type { Channel, ControlPlaneAddress, MeshLog, Svid, SvidSource } from '@rampart/mesh';
import { SyncRequest, SyncUpdate } from '@rampart/wire/agent';

import type { ChangeSignal } from '../change-signal.ts';
import type { HostView } from '../entries/host-view.ts';

export interface SyncClientOptions {
  readonly address: ControlPlaneAddress;
  readonly identity: SvidSource;
  readonly view: HostView;
  readonly changes: ChangeSignal;
  readonly version: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: MeshLog;
}

const SYNC = '/rampart.v1.AgentService/Sync';
const IDENTITY_REFUSED: ReadonlySet<string> = new Set(['permission_denied', 'unauthenticated']);
/** Three heartbeats of the control plane: the stream is dead even if TCP has not noticed. */
const SILENCE_MS = 9_000;

/** Keeps one stream of updates up and the view fed by it; without one, the view keeps what it has. */
export class SyncClient {
  readonly #options: SyncClientOptions;
  readonly #backoff: Backoff;
  #channel: Channel | undefined;
  #retry: Timer | undefined;
  #silence: Timer | undefined;
  #epoch = 0;
  #stopped = false;

  constructor(options: SyncClientOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.random);
  }

  /** Connects with the first SVID, and again with every later one. */
  start(): void {
    this.#options.identity.subscribe((svid) => {
      this.#backoff.reset();
      this.#connect(svid);
    });
  }

  /** Another number after each stream that came up: what failed before may succeed now. */
  get epoch(): number {
    return this.#epoch;
  }

  /** One call over the connection of the stream. @throws RemoteError; RampartError CONTROL_PLANE_UNREACHABLE. */
  async call(path: `/${string}/${string}`, request: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    if (this.#channel === undefined) {
      throw new RampartError('CONTROL_PLANE_UNREACHABLE', 'there is no connection to the control plane');
    }
    return this.#channel.unary(path, request, timeoutMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#close();
  }

  #close(): void {
    this.#retry?.cancel();
    this.#silence?.cancel();
    this.#channel?.close();
    this.#channel = undefined;
  }

  #connect(svid: Svid): void {
    if (this.#stopped) return;
    this.#close();
    const channel = openChannel(this.#options.address, svid);
    this.#channel = channel;
    let heard = false;
    const stream = channel.follow(SYNC, {
      request: SyncRequest.encode({ version: this.#options.version }).finish(),
      receive: (message) => {
        if (this.#channel !== channel) return;
        if (!heard) this.#epoch += 1;
        heard = true;
        this.#receive(SyncUpdate.decode(message), svid);
        expectMore();
      },
    });
    const expectMore = (): void => {
      this.#silence?.cancel();
      this.#silence = this.#options.clock.after(SILENCE_MS, () =>
        stream.close(new Error('the control plane has been silent for three heartbeats')),
      );
    };
    expectMore();
    void stream.ended.then(
      () => this.#retryLater(channel),
      (cause: unknown) => {
        if (this.#channel === channel) this.#options.log.warn('the stream of updates ended, trying again', { cause });
        this.#retryLater(channel);
        // It ended or was revoked: the next one is asked for now, and the answer says which.
        if (cause instanceof RemoteError && IDENTITY_REFUSED.has(cause.code)) this.#options.identity.rotateNow();
      },
    );
  }

  #receive(update: SyncUpdate, svid: Svid): void {
    this.#backoff.reset();
    if (!update.heartbeat) this.#options.view.apply(update, svid.spiffeId.trustDomain);
  }

  /** Nothing to do for a channel that was replaced. */
  #retryLater(channel: Channel): void {
    if (this.#stopped || this.#channel !== channel) return;
    this.#close();
    this.#retry = this.#options.clock.after(this.#backoff.next(), () => {
      const svid = this.#options.identity.current;
      if (svid !== undefined) this.#connect(svid);
    });
  }
}
