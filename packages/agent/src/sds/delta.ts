import { create } from '@bufbuild/protobuf';
import type { MessageShape } from '@bufbuild/protobuf';
import type { MeshLog } from '@rampart/mesh';
import { DeltaDiscoveryResponseSchema } from '@rampart/wire/sds';
import type { DeltaDiscoveryRequest } from '@rampart/wire/sds';

import type { PackedSecret, SecretQuestion } from './secrets.ts';
import { checkType, SECRET_TYPE, wantsPlain } from './state-of-the-world.ts';

const WILDCARD = '*';

/** One stream of DeltaSecrets (xDS protocol, "incremental"): each response has what is different from what was said before. */
export class SecretDeltas {
  readonly #log: MeshLog;
  readonly #names = new Set<string>();
  /** Version by name. */
  #said = new Map<string, string>();
  /** Names of which was said that there is nothing: nobody should wait for them until a timeout. */
  readonly #saidMissing = new Set<string>();
  #isFirst = true;
  #isPlain = false;
  #nonce = 0;

  constructor(log: MeshLog) {
    this.#log = log;
  }

  /** Undefined before the first request, and while nothing is subscribed to. */
  get question(): SecretQuestion | undefined {
    if (this.#names.size === 0) return undefined;
    return { names: this.#names.has(WILDCARD) ? undefined : this.#names, isPlain: this.#isPlain };
  }

  /** @throws ConnectError InvalidArgument for another kind of resource than secrets. */
  take(request: DeltaDiscoveryRequest): void {
    checkType(request.typeUrl);
    if (request.node?.metadata !== undefined) this.#isPlain = wantsPlain(request.node.metadata);
    if (request.errorDetail !== undefined) {
      this.#log.warn('an Envoy refused its secrets', { reason: request.errorDetail.message });
    }
    if (this.#isFirst) {
      this.#said = new Map(Object.entries(request.initialResourceVersions));
      // Who names nothing at first means everything.
      if (request.resourceNamesSubscribe.length === 0) this.#names.add(WILDCARD);
    }
    for (const name of request.resourceNamesSubscribe) {
      this.#names.add(name);
      this.#saidMissing.delete(name);
      // Who subscribes again wants it again, unless it has just said which one it has.
      if (!this.#isFirst) this.#said.delete(name);
    }
    for (const name of request.resourceNamesUnsubscribe) {
      this.#names.delete(name);
      this.#said.delete(name);
    }
    this.#isFirst = false;
  }

  /** Undefined when there is nothing to say. */
  next(secrets: ReadonlyMap<string, PackedSecret>): MessageShape<typeof DeltaDiscoveryResponseSchema> | undefined {
    const changed = [...secrets.values()].filter(({ name, version }) => this.#said.get(name) !== version);
    const missing = [...this.#names].filter((name) => name !== WILDCARD && !secrets.has(name));
    const unsaid = missing.filter((name) => !this.#saidMissing.has(name));
    const removedResources = [...new Set([...this.#said.keys()].filter((name) => !secrets.has(name)).concat(unsaid))];
    if (changed.length === 0 && removedResources.length === 0) return undefined;
    for (const { name, version } of changed) {
      this.#said.set(name, version);
      this.#saidMissing.delete(name);
    }
    for (const name of removedResources) {
      this.#said.delete(name);
      this.#saidMissing.add(name);
    }
    this.#nonce += 1;
    return create(DeltaDiscoveryResponseSchema, {
      systemVersionInfo: String(this.#nonce),
      typeUrl: SECRET_TYPE,
      resources: changed.map(({ name, version, resource }) => ({ name, version, resource })),
      removedResources,
      nonce: String(this.#nonce),
    });
  }
}
