import { RampartError } from '@rampart/core';
import type { Clock, Random, Timer } from '@rampart/core';
import { Backoff, openChannel, RemoteError } from '@rampart/mesh';
import type { Channel, ControlPlaneAddress, MeshLog, Svid, SvidSource } from '@rampart/mesh';
import { SyncRequest, SyncUpdate } from '@rampart/wire/agent';

import type { ChangeSignal } from '../change-signal.ts';
import type { HostChecks } from '../health/host-checks.ts';
import type { HostView } from '../entries/host-view.ts';

export interface SyncClientOptions {
  readonly address: ControlPlaneAddress;
  readonly identity: SvidSource;
  readonly view: HostView;
  readonly changes: ChangeSignal;
  readonly checks: Pick<HostChecks, 'apply'>;
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
  #stream: ReturnType<Channel['follow']> | undefined;
  /** Of the certificate that the connection stands on. */
  #serial = '';
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
      // Other roots with the same certificate are for the next connection.
      if (svid.serial === this.#serial) return;
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

  /** For a new connection: what is asked over the old one is answered there. */
  #leave(): void {
    const [channel, stream] = [this.#channel, this.#stream];
    this.#channel = undefined;
    this.#retry?.cancel();
    this.#silence?.cancel();
    stream?.close(new Error('there is a new certificate'));
    channel?.finish();
  }

  #connect(svid: Svid): void {
    if (this.#stopped) return;
    this.#leave();
    const channel = openChannel(this.#options.address, svid);
    this.#channel = channel;
    this.#serial = svid.serial;
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
    this.#stream = stream;
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
    const { identity, view, checks } = this.#options;
    this.#backoff.reset();
    if (update.heartbeat) return;
    const { trustDomain } = svid.spiffeId;
    view.apply(update, trustDomain);
    checks.apply(update);
    // The control plane itself is judged by the newest roots, too.
    const bundle = view.bundle(trustDomain.name);
    if (bundle !== undefined) identity.trust(bundle.roots, bundle.sequence);
    if (update.rotate) identity.rotateNow();
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
