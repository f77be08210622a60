import { create } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import type { Clock, Random, Timer } from '@rampart/core';
import { ControlService, DataPlaneMessageSchema } from '@rampart/wire';
import type { ControlPlaneMessage, DataPlaneMessage } from '@rampart/wire';

import type { Svid } from '../identity/svid.ts';
import type { SvidSource } from '../identity/svid-source.ts';
import type { MeshLog } from '../log.ts';
import type { MeshView } from '../view/mesh-view.ts';
import type { AttestedWorkload } from './attestation.ts';
import type { LocalInstance, LocalInstances } from './instances.ts';
import { Outbox } from './outbox.ts';
import { openTransport } from './transport.ts';
import type { ControlPlaneAddress, ControlTransport } from './transport.ts';
import { parseUpdate } from './update.ts';

export interface ControlClientOptions {
  readonly address: ControlPlaneAddress;
  readonly identity: SvidSource;
  readonly view: MeshView;
  readonly instances: LocalInstances;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: MeshLog;
  readonly dataPlane: { readonly id: string; readonly kind: string; readonly version: string; readonly pid: number };
  readonly capabilities: readonly string[];
  workload(): AttestedWorkload | undefined;
}

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;
const HEARTBEAT_MS = 3_000;
/** Three silent heartbeats: the stream is dead even if TCP has not noticed. */
const SILENCE_MS = 3 * HEARTBEAT_MS;

/** Keeps one control stream up and the view fed by it; without one, the view keeps its last good snapshot. */
export class ControlClient {
  readonly #options: ControlClientOptions;
  #transport: ControlTransport | undefined;
  #abort: AbortController | undefined;
  #timer: Timer | undefined;
  #retryMs = FIRST_RETRY_MS;
  #stopped = false;

  constructor(options: ControlClientOptions) {
    this.#options = options;
  }

  /** Connects with the first SVID, and again with every later one. */
  start(): void {
    this.#options.identity.subscribe((svid) => {
      this.#retryMs = FIRST_RETRY_MS;
      this.#reconnect(svid);
    });
  }

  /** The transport of the stream that is up; telemetry shares its connection. */
  get transport(): ControlTransport | undefined {
    return this.#transport;
  }

  stop(): void {
    this.#stopped = true;
    this.#close();
  }

  #close(): void {
    this.#timer?.cancel();
    this.#options.instances.observe(undefined);
    this.#abort?.abort();
    this.#transport?.close();
    this.#transport = undefined;
  }

  #reconnect(svid: Svid): void {
    if (this.#stopped) return;
    this.#close();
    const abort = new AbortController();
    this.#abort = abort;
    const transport = openTransport(this.#options.address, svid);
    this.#transport = transport;
    void this.#run(transport, abort).then(
      () => this.#retry(abort),
      (cause: unknown) => {
        if (!abort.signal.aborted) this.#options.log.warn('the control stream ended', { cause });
        this.#retry(abort);
      },
    );
  }

  #retry(abort: AbortController): void {
    if (this.#stopped || this.#abort !== abort) return;
    const delay = this.#retryMs * (0.5 + this.#options.random() / 2);
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
    this.#timer = this.#options.clock.after(delay, () => {
      const svid = this.#options.identity.current;
      if (svid !== undefined) this.#reconnect(svid);
    });
  }

  async #run(transport: ControlTransport, abort: AbortController): Promise<void> {
    const outbox = new Outbox<DataPlaneMessage>();
    const watchdog = this.#watch(abort);
    outbox.push(this.#hello());
    for (const instance of this.#options.instances.all) outbox.push(registration(instance));
    this.#options.instances.observe((instance, present) => {
      outbox.push(present ? registration(instance) : deregistration(instance));
    });
    const stopHeartbeats = this.#heartbeats(outbox, abort);
    try {
      const stream = createClient(ControlService, transport.transport).connect(outbox, { signal: abort.signal });
      for await (const message of stream) {
        watchdog.alive();
        this.#retryMs = FIRST_RETRY_MS;
        this.#receive(message, outbox);
      }
    } finally {
      watchdog.stop();
      stopHeartbeats();
      outbox.close();
    }
  }

  #receive(message: ControlPlaneMessage, outbox: Outbox<DataPlaneMessage>): void {
    if (message.rotate) this.#options.identity.rotateNow();
    if (message.heartbeat) return;
    const problem = this.#options.view.apply(parseUpdate(message));
    if (problem !== '') this.#options.log.error('a policy cannot be enforced here: everything is denied', { problem });
    outbox.push(
      create(DataPlaneMessageSchema, {
        message: { case: 'ack', value: { revision: BigInt(this.#options.view.revision), problem } },
      }),
    );
  }

  #hello(): DataPlaneMessage {
    const { dataPlane, capabilities, view } = this.#options;
    const workload = this.#options.workload();
    return create(DataPlaneMessageSchema, {
      message: {
        case: 'hello',
        value: {
          dataPlaneId: dataPlane.id,
          kind: dataPlane.kind,
          version: dataPlane.version,
          pid: dataPlane.pid,
          capabilities: [...capabilities],
          revision: BigInt(view.revision),
          ...(workload === undefined ? {} : { workload: { ...workload, labels: { ...workload.labels } } }),
        },
      },
    });
  }

  #heartbeats(outbox: Outbox<DataPlaneMessage>, abort: AbortController): () => void {
    const { clock } = this.#options;
    let timer: Timer;
    const beat = (): void => {
      if (abort.signal.aborted) return;
      outbox.push(
        create(DataPlaneMessageSchema, { message: { case: 'heartbeat', value: { sentAt: BigInt(clock.now()) } } }),
      );
      timer = clock.after(HEARTBEAT_MS, beat);
    };
    timer = clock.after(HEARTBEAT_MS, beat);
    return () => timer.cancel();
  }

  #watch(abort: AbortController): { alive(): void; stop(): void } {
    const { clock } = this.#options;
    const cut = (): void => abort.abort(new Error('the control plane has been silent for three heartbeats'));
    let timer = clock.after(SILENCE_MS, cut);
    return {
      alive: () => {
        timer.cancel();
        timer = clock.after(SILENCE_MS, cut);
      },
      stop: () => timer.cancel(),
    };
  }
}

function registration(instance: LocalInstance): DataPlaneMessage {
  const { instanceId, host, port, protocol } = instance;
  return create(DataPlaneMessageSchema, { message: { case: 'register', value: { instanceId, host, port, protocol } } });
}

function deregistration(instance: LocalInstance): DataPlaneMessage {
  return create(DataPlaneMessageSchema, {
    message: { case: 'deregister', value: { instanceId: instance.instanceId } },
  });
}
