import { create } from '@bufbuild/protobuf';
import { ENFORCED_IN_PROCESS } from '@rampart/core';
import {
  AckSchema,
  type ControlPlaneMessage,
  type DataPlaneMessage,
  DataPlaneMessageSchema,
  HeartbeatSchema,
  HelloSchema,
  type NetworkFacts,
  RegisterInstanceSchema,
} from '@rampart/wire';
import type { ApiClient } from './workload-client.ts';

export interface HelloOptions {
  readonly id?: string;
  readonly revision?: number;
  readonly capabilities?: readonly string[];
}

/** The smallest thing that can hold a control stream: it keeps what it is told, and says what a test makes it say. */
export class FakeDataPlane {
  readonly received: ControlPlaneMessage[] = [];
  /** JSON by key. */
  readonly resources: Map<string, string> = new Map();
  /** Number of endpoints by "namespace/name". */
  readonly services: Map<string, number> = new Map();
  readonly revoked: Set<string> = new Set();
  /** Ids of revocation rules. */
  readonly rules: Set<string> = new Set();
  /** Labels of each variant of an identity, and its serials, by SPIFFE ID; undefined while it was never told. */
  peers: Map<string, readonly (readonly [labels: Record<string, string>, serials: readonly string[]])[]> | undefined;
  /** Labels of Namespace resources. */
  readonly namespaces: Map<string, Record<string, string>> = new Map();
  /** Roots of federated trust domains. */
  readonly federated: Map<string, readonly Uint8Array[]> = new Map();
  readonly #client: ApiClient;
  readonly #outgoing: DataPlaneMessage[] = [];
  #wake: () => void = () => undefined;
  #closed = false;
  /** Why the stream ended; undefined while it is up, or when it ended in order. */
  error: unknown;
  ended = false;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  get revision(): number {
    return this.received.reduce((latest, { revision }) => Math.max(latest, Number(revision)), 0);
  }

  connect({ id = 'plane-1', revision = 0, capabilities = ENFORCED_IN_PROCESS }: HelloOptions = {}): this {
    const hello = create(HelloSchema, {
      dataPlaneId: id,
      kind: 'node',
      version: '1.0.0',
      capabilities: [...capabilities],
      revision: BigInt(revision),
    });
    this.say({ case: 'hello', value: hello });
    return this.open();
  }

  /** Opens the stream without a hello. */
  open(): this {
    void this.#read()
      .catch((error: unknown) => {
        this.error = error;
      })
      .finally(() => {
        this.ended = true;
      });
    return this;
  }

  say(message: DataPlaneMessage['message']): void {
    this.#outgoing.push(create(DataPlaneMessageSchema, { message }));
    this.#wake();
  }

  register(instanceId: string, port: number, host = ''): void {
    this.say({ case: 'register', value: create(RegisterInstanceSchema, { instanceId, host, port, protocol: 'http' }) });
  }

  beat(): void {
    this.say({ case: 'heartbeat', value: create(HeartbeatSchema, { sentAt: 0n }) });
  }

  ack(revision: number, problem = ''): void {
    this.say({ case: 'ack', value: create(AckSchema, { revision: BigInt(revision), problem }) });
  }

  /** Ends as a process that dies does. */
  kill(): void {
    this.#closed = true;
    this.#client.close();
    this.#wake();
  }

  async #read(): Promise<void> {
    for await (const message of this.#client.control.connect(this.#messages())) {
      this.received.push(message);
      this.#take(message);
    }
  }

  #take(message: ControlPlaneMessage): void {
    if (message.federatedBundles !== undefined) {
      this.federated.clear();
      for (const { trustDomain, roots } of message.federatedBundles.bundles) {
        this.federated.set(trustDomain, roots);
      }
    }
    if (message.network !== undefined) {
      this.#meet(message.network);
    }
    if (message.reset) {
      this.resources.clear();
      this.services.clear();
    }
    for (const { key, json } of message.resources) {
      if (json.length === 0) {
        this.resources.delete(key);
      } else {
        this.resources.set(key, new TextDecoder().decode(json));
      }
    }
    for (const { namespace, name, endpoints } of message.services) {
      if (endpoints.length === 0) {
        this.services.delete(`${namespace}/${name}`);
      } else {
        this.services.set(`${namespace}/${name}`, endpoints.length);
      }
    }
    for (const { id } of message.revocationRules) {
      this.rules.add(id);
    }
    for (const serial of message.revokedSerials) {
      this.revoked.add(serial);
    }
  }

  #meet({ reset, identities, namespaces }: NetworkFacts): void {
    if (reset) {
      this.peers = new Map();
      this.namespaces.clear();
    }
    for (const { spiffeId, variants } of identities) {
      this.peers?.delete(spiffeId);
      if (variants.length > 0) {
        this.peers?.set(
          spiffeId,
          variants.map(({ labels, serials }) => [labels, serials]),
        );
      }
    }
    for (const { name, labels, deleted } of namespaces) {
      this.namespaces.delete(name);
      if (!deleted) {
        this.namespaces.set(name, labels);
      }
    }
  }

  async *#messages(): AsyncGenerator<DataPlaneMessage> {
    while (!this.#closed) {
      const message = this.#outgoing.shift();
      if (message === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      } else {
        yield message;
      }
    }
  }
}
