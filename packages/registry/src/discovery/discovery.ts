import type { LabelSelector, RampartError, Result } from '@rampart/core';
import type { InstanceState } from '../health/instance-state.ts';
import type { Instance, Locality } from '../store.ts';

export interface ServiceKey {
  readonly service: string;
  readonly namespace: string;
}

/** Which instances of one service are meant; all that is given must hold. */
export interface DiscoveryQuery extends ServiceKey {
  readonly tag?: string;
  /** All of them. */
  readonly tags?: readonly string[];
  readonly selector?: LabelSelector;
  /** Instances of the same zone come first, then those of the same region, then the others. Filters nothing. */
  readonly near?: Locality;
  /**
   * `any`: whatever is registered (when absent). `usable`: neither critical nor in maintenance nor draining, what load
   * balancers and DNS want. `passing`: usable, and no check warns.
   */
  readonly health?: 'passing' | 'usable' | 'any';
}

/** An instance and its state now. Never changed; a change of either makes a new one. */
export interface DiscoveredInstance extends Instance {
  readonly state: InstanceState;
}

export interface Discovered {
  /** Revision of the last change of this service, whatever the query filters; grows, also when the service is gone and comes back. */
  readonly revision: number;
  /** In the order of registration, unless nearness is asked for. */
  readonly instances: readonly DiscoveredInstance[];
}

export interface ServiceSummary {
  readonly name: string;
  readonly namespace: string;
  /** Revision of its last change. */
  readonly revision: number;
  /** How many, whatever their health. */
  readonly instances: number;
  /** Every tag of any instance, sorted. */
  readonly tags: readonly string[];
}

/** What a watch is about: everything, a namespace, or the instances that a query means (its `near` is ignored). */
export type WatchScope = 'all' | { readonly namespace: string; readonly service?: undefined } | DiscoveryQuery;

/** An instance that a watch is about appeared or is different. */
export interface InstancePut {
  readonly kind: 'put';
  readonly revision: number;
  readonly current: DiscoveredInstance;
}

/** An instance is gone, or is no longer what the watch is about. */
export interface InstanceGone {
  readonly kind: 'gone';
  readonly revision: number;
  readonly last: DiscoveredInstance;
}

export type InstanceChange = InstancePut | InstanceGone;

/** The past cannot be told from there on: history begins after `oldest`, or what may be known of it is now another. */
export interface Compacted {
  readonly kind: 'compacted';
  readonly oldest: number;
  readonly by: 'history' | 'rules';
}

/**
 * What happened next. `state`: everything that is there, before anything else, when the watch began without a revision.
 * `changes`: whole revisions, in order; `revision` is the last of them. `bookmark`: nothing that the watch is about, up to
 * `revision`. A watch can be resumed from the revision of any of them. `compacted`: the watch was too slow and history no
 * longer reaches its place, or rules about who may know what changed; it has ended, and whoever watches begins again without a
 * revision.
 */
export type WatchEvent =
  | { readonly kind: 'state'; readonly revision: number; readonly instances: readonly DiscoveredInstance[] }
  | { readonly kind: 'changes'; readonly revision: number; readonly changes: readonly InstanceChange[] }
  | { readonly kind: 'bookmark'; readonly revision: number }
  | Compacted;

/** A place in history. Nothing is queued for a watch: what it has not taken is still in history, or compacted. */
export interface Watch {
  /** What can be told now; undefined when nothing new. Never waits. */
  poll(): WatchEvent | undefined;
  /** A bookmark of the present, for a watch that has taken everything; undefined when there is something to `poll`. */
  bookmark(): WatchEvent | undefined;
  close(): void;
}

/** Why a watch cannot begin where it was asked to. */
export type WatchRefusal =
  | Compacted
  /** There is no such revision yet, or it is of another history (a database that was restored). */
  | { readonly kind: 'future'; readonly error: RampartError };

export type WatchOpened = Result<Watch, WatchRefusal>;

/** What lengthens an id: ":" a host that is appended to it, "~" an owner that is kept apart from another (`apartId`). */
export type IdMark = ':' | '~';

/**
 * What can be found now and what has become of it. Every door reads through it. Answers come from memory and are those
 * of one moment: in one turn of the event loop `find`, `services` and the beginning of a watch agree.
 */
export interface Discovery {
  /** Revision of the newest change. */
  readonly revision: number;
  find(query: DiscoveryQuery): Discovered;
  /** Undefined when nobody is registered under that id. */
  instance(instanceId: string): DiscoveredInstance | undefined;
  /**
   * Whether an id with that mark in it was ever there: false says that none is, so that nobody need look for ids that hardly ever are.
   */
  hasIdsWith(mark: IdMark): boolean;
  /** By namespace, then by name. */
  services(namespace?: string): readonly ServiceSummary[];
  /**
   * A watch of the scope; `wake` is called, not more than once between two polls, when there may be something to poll. It is never called for changes of services that the scope is not about.
   *
   * Ordered: by revision. Unique: nothing is told twice. Reliable: nothing is left out between two polls. Atomic: changes
   * of one revision come together. Resumable: from any revision that was told, across connections. Bookmarkable: see
   * `bookmark`. From the future: refused.
   */
  watch(scope: WatchScope, wake: () => void, from?: number): WatchOpened;
  /** Calls back, in the same turn, at every change of the service and no other; returns how to end it. For blocking queries. */
  onChange(service: ServiceKey, listener: () => void): () => void;
}
