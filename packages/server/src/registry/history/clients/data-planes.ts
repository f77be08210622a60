import { setTimeout as pause } from 'node:timers/promises';
import { randomInt } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { ENFORCED_IN_PROCESS } from '@rampart/core';
import {
  type ControlPlaneMessage,
  type DataPlaneMessage,
  DataPlaneMessageSchema,
  HeartbeatSchema,
  HelloSchema,
  RegisterInstanceSchema,
} from '@rampart/wire';
import { attest, connectTo, type Credentials } from '../../../testing/workload-client.ts';
import { STREAMED, STREAMED_SERVICE, NAMESPACE, type Subject } from '../workload.ts';
import { portsOf } from './api-callers.ts';
import type { Reach, Recorder } from './recorder.ts';

/** After those of the other doors. */
const FIRST_PORTS = 24;
const MOST_MESSAGES = 60;
const HEARTBEAT_MS = 1000;

/** Control streams: each tells where its own instance is, hears of all services, ends now and then, and goes on from its last revision. */
export function startDataPlanes(recorder: Recorder): readonly Promise<void>[] {
  return STREAMED.map((subject, index) => {
    const ports = portsOf(FIRST_PORTS + index);
    const by = `data plane ${index}`;
    let credentials: Credentials | undefined;
    let revision = 0;
    return recorder.withEach(by, async (reach) => {
      credentials ??= (
        await attest(reach.plane, {
          namespace: NAMESPACE,
          serviceAccount: by.replaceAll(' ', '-'),
          service: STREAMED_SERVICE,
        })
      ).credentials;
      while (!recorder.over.aborted) {
        const stream = new Stream(recorder, { by, subject, credentials, reach, revision });
        revision = await stream.hold(ports(subject));
      }
    });
  });
}

interface StreamOptions {
  readonly by: string;
  readonly subject: Subject;
  readonly credentials: Credentials;
  readonly reach: Reach;
  /** 0: it knows nothing. */
  readonly revision: number;
}

class Stream {
  readonly #recorder: Recorder;
  readonly #options: StreamOptions;
  readonly #ended = new AbortController();
  /** Its own instance is where it said. */
  readonly #seen = Promise.withResolvers<void>();
  #isSeen = false;
  #revision: number;

  constructor(recorder: Recorder, options: StreamOptions) {
    this.#recorder = recorder;
    this.#options = options;
    this.#revision = options.revision;
  }

  /** Until it has heard enough; gives the last revision. Throws when the control plane is gone. */
  async hold(port: number): Promise<number> {
    const { credentials, reach, by, subject } = this.#options;
    const { run, plane } = reach;
    const client = connectTo(plane, { credentials });
    const action = { kind: 'register', place: { service: STREAMED_SERVICE, port } } as const;
    let left = randomInt(1, MOST_MESSAGES);
    try {
      // Nobody answers a registration of a stream: it shows in what the stream tells.
      const shown = (): Promise<{ action: typeof action }> => this.#seen.promise.then(() => ({ action }));
      this.#recorder.write({ by, run, instanceId: subject.instanceId, action }, shown).catch(() => undefined);
      for await (const message of client.control.connect(this.#says(port), { signal: this.#recorder.over })) {
        this.#hear(message, port);
        left -= 1;
        if (left <= 0 && this.#isSeen) break;
      }
    } catch (error) {
      if (!this.#recorder.over.aborted) throw error;
    } finally {
      this.#ended.abort();
      this.#seen.reject(new Error('the stream ended'));
      client.close();
    }
    return this.#revision;
  }

  #hear({ revision, reset, services }: ControlPlaneMessage, own: number): void {
    if (Number(revision) === 0) return;
    this.#revision = Number(revision);
    this.#recorder.streamed({
      by: this.#options.by,
      run: this.#options.reach.run,
      revision: this.#revision,
      isReset: reset,
      services: services.map(({ name, endpoints }) => [
        name,
        endpoints.map(({ instanceId, port }) => [instanceId, port] as const),
      ]),
    });
    const { instanceId } = this.#options.subject;
    this.#isSeen ||= services.some(({ endpoints }) =>
      endpoints.some((endpoint) => endpoint.instanceId === instanceId && endpoint.port === own),
    );
    if (this.#isSeen) this.#seen.resolve();
  }

  async *#says(port: number): AsyncGenerator<DataPlaneMessage> {
    const { by, subject } = this.#options;
    const { instanceId, host } = subject;
    yield say({
      case: 'hello',
      value: create(HelloSchema, {
        dataPlaneId: by,
        kind: 'node',
        version: '1.0.0',
        capabilities: [...ENFORCED_IN_PROCESS],
        revision: BigInt(this.#options.revision),
      }),
    });
    yield say({
      case: 'register',
      value: create(RegisterInstanceSchema, { instanceId, host, port, protocol: 'http' }),
    });
    while (!this.#ended.signal.aborted) {
      await pause(HEARTBEAT_MS, undefined, { signal: this.#ended.signal }).catch(() => undefined);
      yield say({ case: 'heartbeat', value: create(HeartbeatSchema, { sentAt: 0n }) });
    }
  }
}

function say(message: DataPlaneMessage['message']): DataPlaneMessage {
  return create(DataPlaneMessageSchema, { message });
}
