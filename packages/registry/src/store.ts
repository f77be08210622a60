import type { CheckDefinition, CheckState } from './health/check.ts';
import type { Standing } from './health/instance-state.ts';

/** Where something runs; zones are places within a region. */
export interface Locality {
  readonly region: string;
  readonly zone?: string;
}

/** How much an instance is given beside others, by the state of its checks; 0 to 65 535, DNS SRV's range. */
export interface Weights {
  readonly passing: number;
  readonly warning: number;
}

/** A registered instance of a service. */
export interface Instance {
  /** Unique in the mesh; belongs to the identity that registered it first. */
  readonly instanceId: string;
  /** DNS label. */
  readonly service: string;
  /** DNS label. */
  readonly namespace: string;
  /** SPIFFE ID that must answer there; "" for what is no part of the mesh. */
  readonly identity: string;
  /** Who registered it and may change it: the same SPIFFE ID, "operator:NAME" or "token:NAME". */
  readonly owner: string;
  /** IP literal or host name. */
  readonly host: string;
  readonly port: number;
  /** "http", "tcp"… */
  readonly protocol: string;
  readonly labels: Readonly<Record<string, string>>;
  /** In the order given, each once. */
  readonly tags: readonly string[];
  /** Consul's Meta. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly weights: Weights;
  readonly locality?: Locality;
  readonly version?: string;
  readonly checks: readonly CheckDefinition[];
  /** Deregistered after it has been critical for that long. */
  readonly deregisterCriticalAfterMs?: number;
  /** How long it can be found without anybody who holds its lease; the registry's own period unless given. */
  readonly leaseMs?: number;
  /** Of the certificate that its owner showed last when registering it, lower-case hex; absent where none was shown. */
  readonly serial?: string;
  /** Unix milliseconds of the first registration of these values. */
  readonly registeredAt: number;
}

/** What is kept of an instance. */
export interface StoredInstance {
  readonly instance: Instance;
  readonly standing: Standing;
  /** As last saved, so that a restart takes nothing out of service. */
  readonly checks: readonly CheckState[];
}

/**
 * Where the registry keeps its instances. Independent of any engine. Leases are not kept: they are about connections.
 *
 * Durability: a method that changes something resolves only when the change survives the loss of power.
 * Atomicity: each method is one transaction. Order: calls may be made before earlier ones have resolved; they take effect
 * and resolve in call order. A failing engine throws `RampartError` STORAGE_FAILED, and the change is then not made.
 */
export interface RegistryStore {
  /** Every instance, in no particular order. */
  instances(): Promise<readonly StoredInstance[]>;
  /** Stores the instance, with its state, in place of any of the same instance id. */
  save(stored: StoredInstance): Promise<void>;
  /** Forgets the instance; no error when it is not there. */
  remove(instanceId: string): Promise<void>;
  /** Counts the openings of the registry: 1, 2, 3 … over all processes, never the same number twice. */
  nextEpoch(): Promise<number>;
}
