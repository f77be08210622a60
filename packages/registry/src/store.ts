/** A registered instance of a service. */
export interface Instance {
  /** Unique in the mesh; belongs to the identity that registered it first. */
  readonly instanceId: string;
  /** DNS label. */
  readonly service: string;
  /** DNS label. */
  readonly namespace: string;
  /** SPIFFE ID that must answer there. */
  readonly identity: string;
  /** IP literal or host name. */
  readonly host: string;
  readonly port: number;
  /** "http", "tcp"… */
  readonly protocol: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Unix milliseconds of the first registration of these values. */
  readonly registeredAt: number;
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
  instances(): Promise<readonly Instance[]>;
  /** Stores the instance in place of any of the same instance id. */
  save(instance: Instance): Promise<void>;
  /** Forgets the instance; no error when it is not there. */
  remove(instanceId: string): Promise<void>;
  /** Counts the openings of the registry: 1, 2, 3 … over all processes, never the same number twice. */
  nextEpoch(): Promise<number>;
}
