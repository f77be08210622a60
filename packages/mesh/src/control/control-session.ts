import type { Timer } from '@rampart/core';
import { ControlPlaneMessage, DataPlaneMessage } from '@rampart/wire/control';

import type { Channel, ControlStream, MethodPath } from './connect/channel.ts';
import type { ControlClientOptions } from './control-client.ts';
import type { StandingReport, TrafficStanding } from '../traffic/standing/standing.ts';
import type { InstanceTraits, LocalInstance } from './instances.ts';
import { parseUpdate } from './update.ts';

const CONNECT: MethodPath = '/rampart.v1.ControlService/Connect';
const HEARTBEAT_MS = 3_000;
/** Three silent heartbeats: the stream is dead even if TCP has not noticed. */
const SILENCE_MS = 3 * HEARTBEAT_MS;

const NOTHING_SAID: Required<InstanceTraits> = {
  tags: [],
  metadata: {},
  weights: undefined,
  locality: undefined,
  version: '',
  checks: [],
  deregisterCriticalAfterMs: 0n,
};

type Outgoing = NonNullable<DataPlaneMessage['message']>;

export interface ControlSessionOptions extends ControlClientOptions {
  readonly channel: Channel;
  /** Called with every message of the control plane, heartbeats too. */
  readonly onSign: () => void;
}

/** One control stream, from its hello to its end. */
export class ControlSession {
  readonly #options: ControlSessionOptions;
  readonly #stream: ControlStream;
  #heartbeat: Timer | undefined;
  #silence: Timer | undefined;

  constructor(options: ControlSessionOptions) {
    this.#options = options;
    this.#stream = options.channel.stream(CONNECT, (message) => this.#receive(ControlPlaneMessage.decode(message)));
  }

  /** Resolves when the control plane ends the stream, rejects when it breaks. */
  async run(): Promise<void> {
    const { instances, standing } = this.#options;
    this.#send(this.#hello());
    for (const instance of instances.all) this.#send(registration(instance));
    instances.observe((instance, present) => this.#send(present ? registration(instance) : deregistration(instance)));
    if (standing !== undefined) this.#tellStanding(standing);
    this.#beatLater();
    this.#expectSign();
    try {
      await this.#stream.ended;
    } finally {
      this.#heartbeat?.cancel();
      this.#silence?.cancel();
    }
  }

  #tellStanding(standing: StandingReport): void {
    const tell = ({ ejected, breakers, retried }: TrafficStanding): void =>
      this.#send({
        $case: 'traffic',
        value: {
          ejected: ejected.map((each) => ({ ...each, until: BigInt(each.until) })),
          breakers: [...breakers],
          retried: [...retried],
        },
      });
    if (Object.values(standing.current).some(({ length }) => length > 0)) tell(standing.current);
    standing.observe(tell);
  }

  #receive(message: ControlPlaneMessage): void {
    const { identity, view, log, onSign } = this.#options;
    this.#expectSign();
    onSign();
    if (message.rotate) identity.rotateNow();
    if (message.bundle !== undefined) identity.trust(message.bundle.roots, Number(message.bundle.sequence));
    if (message.heartbeat) return;
    const problem = view.apply(parseUpdate(message));
    if (problem !== '') log.error('a policy cannot be enforced here: everything is denied', { problem });
    this.#send({ $case: 'ack', value: { revision: BigInt(view.revision), problem } });
  }

  #hello(): Outgoing {
    const { dataPlane, capabilities, view } = this.#options;
    const workload = this.#options.workload();
    return {
      $case: 'hello',
      value: {
        dataPlaneId: dataPlane.id,
        kind: dataPlane.kind,
        version: dataPlane.version,
        pid: dataPlane.pid,
        capabilities: [...capabilities],
        revision: BigInt(view.revision),
        workload: workload === undefined ? undefined : { ...workload, labels: { ...workload.labels } },
      },
    };
  }

  #send(message: Outgoing): void {
    this.#stream.send(DataPlaneMessage.encode({ message }).finish());
  }

  #beatLater(): void {
    const { clock } = this.#options;
    this.#heartbeat = clock.after(HEARTBEAT_MS, () => {
      this.#send({ $case: 'heartbeat', value: { sentAt: BigInt(clock.now()) } });
      this.#beatLater();
    });
  }

  #expectSign(): void {
    this.#silence?.cancel();
    this.#silence = this.#options.clock.after(SILENCE_MS, () =>
      this.#stream.close(new Error('the control plane has been silent for three heartbeats')),
    );
  }
}

function registration({ traits, ...instance }: LocalInstance): Outgoing {
  return { $case: 'register', value: { ...NOTHING_SAID, ...traits, ...instance } };
}

function deregistration({ instanceId }: LocalInstance): Outgoing {
  return { $case: 'deregister', value: { instanceId } };
}
