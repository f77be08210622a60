import type { Clock, Random, Timer } from '@rampart/core';

import type { SvidSource } from '../identity/svid-source.ts';
import type { Svid } from '../identity/svid.ts';
import type { MeshLog } from '../log.ts';
import type { StandingReport } from '../traffic/standing/standing.ts';
import type { MeshView } from '../view/mesh-view.ts';
import type { AttestedWorkload } from './attestation.ts';
import type { Channel } from './connect/channel.ts';
import { ControlSession } from './control-session.ts';
import type { LocalInstances } from './instances.ts';
import { openChannel } from './transport.ts';
import type { ControlPlaneAddress } from './transport.ts';

export interface ControlClientOptions {
  readonly address: ControlPlaneAddress;
  readonly identity: SvidSource;
  readonly view: MeshView;
  readonly instances: LocalInstances;
  readonly standing?: StandingReport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: MeshLog;
  readonly dataPlane: { readonly id: string; readonly kind: string; readonly version: string; readonly pid: number };
  readonly capabilities: readonly string[];
  workload(): AttestedWorkload | undefined;
}

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;

/** Keeps one control stream up and the view fed by it; without one, the view keeps its last good snapshot. */
export class ControlClient {
  readonly #options: ControlClientOptions;
  #channel: Channel | undefined;
  #timer: Timer | undefined;
  #retryMs = FIRST_RETRY_MS;
  #stopped = false;

  constructor(options: ControlClientOptions) {
    this.#options = options;
  }

  /** Connects with the first SVID, and again with every later one. */
  start(): void {
    let serial = '';
    this.#options.identity.subscribe((svid) => {
      // With other roots and the same certificate, the stream that brought them goes on.
      if (svid.serial === serial) return;
      serial = svid.serial;
      this.#retryMs = FIRST_RETRY_MS;
      this.#reconnect(svid);
    });
  }

  /** The connection of the stream that is up; telemetry shares it. */
  get channel(): Channel | undefined {
    return this.#channel;
  }

  stop(): void {
    this.#stopped = true;
    this.#close();
  }

  #close(): void {
    this.#timer?.cancel();
    this.#options.instances.observe(undefined);
    this.#channel?.close();
    this.#channel = undefined;
  }

  #reconnect(svid: Svid): void {
    if (this.#stopped) return;
    this.#close();
    const channel = openChannel(this.#options.address, svid);
    this.#channel = channel;
    const onSign = (): void => {
      this.#retryMs = FIRST_RETRY_MS;
    };
    const session = new ControlSession({ ...this.#options, channel, onSign });
    void session.run().then(
      () => this.#retry(channel),
      (cause: unknown) => {
        if (this.#channel === channel) this.#options.log.warn('the control stream ended', { cause });
        this.#retry(channel);
      },
    );
  }

  /** Nothing to do for a channel that was replaced. */
  #retry(channel: Channel): void {
    if (this.#stopped || this.#channel !== channel) return;
    const delay = this.#retryMs * (0.5 + this.#options.random() / 2);
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
    this.#timer = this.#options.clock.after(delay, () => {
      const svid = this.#options.identity.current;
      if (svid !== undefined) this.#reconnect(svid);
    });
  }
}
