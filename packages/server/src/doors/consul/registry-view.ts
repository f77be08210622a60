import type { Clock, Random } from '@rampart/core';
import type { Discovery, Registry, RegistryIdentity, ServiceKey } from '@rampart/registry';
import type { KeyIndex } from '../instances/key-index.ts';
import type { ListIndexes } from './http/list-indexes.ts';
import type { ModelOptions } from './model/service.ts';

/** What the endpoints answer from. */
export interface RegistryView extends ModelOptions {
  readonly registry: Registry;
  /** Everything; answers are made of what a call's own `discovery` shows. */
  readonly discovery: Discovery;
  /** Instances by the name of their host as a node. */
  readonly nodes: KeyIndex;
  /** Instances by the ids of their checks. */
  readonly checks: KeyIndex;
  /** Instances by who registered them. */
  readonly owners: KeyIndex;
  /** Of answers about a whole namespace. */
  readonly listIndexes: ListIndexes;
  readonly clock: Clock;
  readonly random: Random;
  /** Of this control plane. */
  readonly version: string;
  /** The address that this control plane is named by. */
  readonly address: string;
  /** What a caller may find; asking it puts the question on record. */
  discoveryOf(caller: RegistryIdentity, sourceIp: string): Discovery;
  /** Whether a caller may know of a service. What he may not know of is not there. */
  mayRead(caller: RegistryIdentity, service: ServiceKey): boolean;
  /** Whether a caller may know of everything in a namespace. */
  mayReadAll(caller: RegistryIdentity, namespace: string): boolean;
  /**
   * Calls back when what a caller may know may be another: other rules are in force, or the token that let him in has ended.
   * Returns how to stop waiting.
   */
  onRightsChange(tokenId: string | undefined, listener: () => void): () => void;
}
