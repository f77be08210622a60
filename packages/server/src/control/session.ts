import { create } from '@bufbuild/protobuf';
import { assertNever, type Clock, RampartError, type Timer } from '@rampart/core';
import {
  type Ack,
  type ControlPlaneMessage,
  ControlPlaneMessageSchema,
  type DataPlaneMessage,
  type Hello,
  type TrafficState,
} from '@rampart/wire';
import type { Connection } from '../doors/caller.ts';
import type { Peer } from '../doors/peer.ts';
import type { MeshSnapshots } from './mesh-snapshots.ts';
import type { SessionInstances } from './session-instances.ts';

export interface SessionOptions {
  readonly peer: Peer;
  readonly connection: Connection;
  readonly hello: Hello;
  readonly labels: Readonly<Record<string, string>>;
  readonly snapshots: MeshSnapshots;
  readonly instances: SessionInstances;
  readonly clock: Clock;
  /** Measures silence. */
  readonly steady: Clock;
  /** It may enforce a newer revision, or no longer what it did. */
  moved(): void;
  ended(session: Session): void;
}

const HEARTBEAT_MS = 3000;
/** A timer may fire a little early; the beat that it stands for is not put off to the next one. */
const QUIET_MS = 0.9 * HEARTBEAT_MS;
/** Three beats that did not come: the other end is gone, whatever TCP believes. */
const LONGEST_SILENCE_MS = 3.5 * HEARTBEAT_MS;
/** A reader that takes nothing for this long is cut; it starts over when it is able to read again. */
const LONGEST_WRITE_MS = 10_000;

/** One data plane's control stream: what it was told, what it enforces, and the leases it holds. */
export class Session {
  readonly options: SessionOptions;
  readonly connectedAt: number;
  readonly capabilities: ReadonlySet<string>;
  readonly #workload: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> };
  #cursor: number;
  /** It is told of changes of its peers, and was told of all of them on this stream. */
  #knowsPeers = false;
  /** Newest revision that brought something this stream's namespace can see. */
  #toldRevision = 0;
  #acked = 0;
  /** Newest revision that is known to be enforced: once what was told is acknowledged, so is all that brought nothing more. */
  #settled = 0;
  #refused = '';
  #heardAt: number;
  #spokeAt: number;
  #writingSince: number | undefined;
  #timer: Timer | undefined;
  #wake: (() => void) | undefined;
  #mustRotate = false;
  #end: { readonly error: RampartError | undefined } | undefined;
  #traffic: TrafficState | undefined;

  constructor(options: SessionOptions) {
    this.options = options;
    this.#workload = { namespace: options.peer.namespace, labels: options.labels };
    this.capabilities = new Set(options.hello.capabilities);
    this.connectedAt = options.clock.now();
    this.#heardAt = options.steady.now();
    this.#spokeAt = this.#heardAt;
    this.#cursor = Number(options.hello.revision);
    this.#timer = options.clock.after(HEARTBEAT_MS, () => this.#tick());
  }

  /** Highest revision it said it enforces; changes it does not see count as enforced. */
  get ackedRevision(): number {
    return Math.max(this.#acked, this.#settled);
  }

  /** Why it cannot enforce what it was told; "" when it can. */
  get refusal(): string {
    return this.#refused;
  }

  /** Why it cannot enforce what it was told, or could not register; "" when all is well. */
  get problem(): string {
    return [this.#refused, this.options.instances.problem].filter((text) => text !== '').join('; ');
  }

  /** What it gives no requests to at present; undefined where it never said. */
  get traffic(): TrafficState | undefined {
    return this.#traffic;
  }

  /** Everything this stream says, until it ends. */
  async *messages(): AsyncGenerator<ControlPlaneMessage> {
    const { steady } = this.options;
    let message: ControlPlaneMessage | undefined = this.#first();
    while (this.#end === undefined) {
      if (message === undefined) {
        await this.#pause();
      } else {
        this.#writingSince = steady.now();
        yield message;
        this.#writingSince = undefined;
        this.#spokeAt = steady.now();
      }
      message = this.#next();
    }
    if (this.#end.error !== undefined) {
      throw this.#end.error;
    }
  }

  /** Takes in what the data plane says, until it says no more. */
  async listen(messages: AsyncIterator<DataPlaneMessage>): Promise<void> {
    try {
      for (
        let next = await messages.next();
        next.done !== true && this.#end === undefined;
        next = await messages.next()
      ) {
        this.#heardAt = this.options.steady.now();
        await this.#receive(next.value);
      }
      this.end();
    } catch (error) {
      this.end(error instanceof RampartError ? error : undefined);
    }
  }

  /** Something may be new. */
  wake(): void {
    this.#wake?.();
  }

  /** The data plane is told to get a new certificate now. */
  rotate(): void {
    this.#mustRotate = true;
    this.wake();
  }

  /** Ends the stream and lets go of its leases. Repeating it does nothing. */
  end(error?: RampartError): void {
    if (this.#end !== undefined) {
      return;
    }
    this.#end = { error };
    this.#timer?.cancel();
    if (error?.code === 'CERTIFICATE_REVOKED') this.options.instances.revoke();
    else this.options.instances.release();
    this.options.ended(this);
    this.wake();
  }

  #first(): ControlPlaneMessage {
    const { snapshots } = this.options;
    const message = this.#cursor === 0 ? this.#full() : this.#delta();
    // Whoever resumes may hold a revision of a database that an older copy has since replaced: what is revoked is told again.
    const resumed =
      message?.reset === true ? message : { ...(message ?? nothingNew(snapshots.revision)), ...snapshots.revoked() };
    return this.#told(resumed);
  }

  #next(): ControlPlaneMessage | undefined {
    const { snapshots, steady } = this.options;
    if (this.#mustRotate) {
      this.#mustRotate = false;
      return create(ControlPlaneMessageSchema, { heartbeat: true, rotate: true });
    }
    if (snapshots.revision !== this.#cursor) {
      const message = this.#delta();
      if (message !== undefined) {
        return this.#told(message);
      }
      this.#cursor = snapshots.revision;
      this.#settle();
    }
    return steady.now() - this.#spokeAt >= QUIET_MS
      ? create(ControlPlaneMessageSchema, { heartbeat: true })
      : undefined;
  }

  #full(): ControlPlaneMessage {
    const { snapshots, peer } = this.options;
    this.#knowsPeers = snapshots.isIsolated(this.#workload);
    const message = snapshots.full(peer);
    return this.#knowsPeers ? this.#introduce(message) : message;
  }

  #delta(): ControlPlaneMessage | undefined {
    const { snapshots, peer } = this.options;
    const delta = snapshots.delta({ ...peer, isolated: this.#knowsPeers }, this.#cursor);
    if (delta === 'compacted') {
      return this.#full();
    }
    const knewPeers = this.#knowsPeers;
    this.#knowsPeers = snapshots.isIsolated(this.#workload);
    return this.#knowsPeers && !knewPeers ? this.#introduce(delta ?? nothingNew(snapshots.revision)) : delta;
  }

  /** Whoever gets its first NetworkPolicy hears of its peers in the same message. Messages are shared by streams: a copy. */
  #introduce(message: ControlPlaneMessage): ControlPlaneMessage {
    return { ...message, network: this.options.snapshots.network() };
  }

  #told(message: ControlPlaneMessage): ControlPlaneMessage {
    this.#cursor = Number(message.revision);
    this.#toldRevision = this.#cursor;
    return message;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }

  async #receive({ message }: DataPlaneMessage): Promise<void> {
    switch (message.case) {
      case 'register':
        return this.options.instances.register(message.value);
      case 'deregister':
        return this.options.instances.deregister(message.value.instanceId);
      case 'ack':
        return this.#acknowledge(message.value);
      case 'traffic':
        this.#traffic = atMost(message.value);
        return;
      case 'hello':
        throw new RampartError('INVALID_ARGUMENT', 'a control stream begins with one hello');
      case 'heartbeat':
      case undefined:
        return;
      default:
        assertNever(message, 'control message');
    }
  }

  #acknowledge({ revision, problem }: Ack): void {
    this.#acked = Math.max(this.#acked, Number(revision));
    this.#refused = problem.slice(0, 1000);
    this.#settle();
  }

  #settle(): void {
    if (this.#acked >= this.#toldRevision) {
      this.#settled = this.#cursor;
    }
    this.options.moved();
  }

  #tick(): void {
    const { clock, steady, peer, connection } = this.options;
    const leftMs = peer.notAfter - clock.now();
    const now = steady.now();
    if (leftMs <= 0) {
      this.end(
        new RampartError(
          'INVALID_CERTIFICATE',
          `the certificate of ${peer.id.toString()} ended: renew it and connect again`,
        ),
      );
    } else if (now - this.#heardAt > LONGEST_SILENCE_MS || now - (this.#writingSince ?? now) > LONGEST_WRITE_MS) {
      this.end(new RampartError('CONTROL_PLANE_UNREACHABLE', 'the control stream stood still: connect again'));
      // A peer that is gone never closes its side; one that does not read would keep our half of the stream alive.
      connection.destroy();
    } else {
      this.#timer = clock.after(Math.min(HEARTBEAT_MS, leftMs), () => this.#tick());
      this.wake();
    }
  }
}

/** A data plane that speaks of more than this is not believed the rest. */
const MOST_STATES = 1000;

function atMost(traffic: TrafficState): TrafficState {
  return {
    ...traffic,
    ejected: traffic.ejected.slice(0, MOST_STATES),
    breakers: traffic.breakers.slice(0, MOST_STATES),
    retried: traffic.retried.slice(0, MOST_STATES),
  };
}

function nothingNew(revision: number): ControlPlaneMessage {
  return create(ControlPlaneMessageSchema, { revision: BigInt(revision) });
}
