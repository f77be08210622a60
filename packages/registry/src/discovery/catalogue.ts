import { fail, ok, RampartError } from '@rampart/core';
import type {
  Discovered,
  DiscoveredInstance,
  Discovery,
  DiscoveryQuery,
  IdMark,
  ServiceKey,
  ServiceSummary,
  WatchOpened,
  WatchScope,
} from './discovery.ts';
import { firstAfter, History, historyEntry, type HistoryEntry } from './history.ts';
import { HistoryWatch, type WatchedHistory } from './history-watch.ts';
import { byNearness, filterOf, filterOfScope } from './query.ts';
import { keyOf, type Service, ServiceRecord } from './service.ts';
import { Wakers } from './wakers.ts';

/** That a service is different now. */
export interface ServiceChange {
  /** Larger than that of every change before, across restarts too. A change that moves an instance changes two services at once. */
  readonly revision: number;
  readonly name: string;
  readonly namespace: string;
}

export type ServiceListener = (change: ServiceChange) => void;

const HISTORY_LENGTH = 16_384;
const EVERYTHING = '';
const MARKS: readonly IdMark[] = [':', '~'];
const NOBODY: readonly DiscoveredInstance[] = Object.freeze([]);

/** What can be found now, in memory, and the changes that led there. */
export class Catalogue implements Discovery {
  #revision: number;
  readonly #history: History;
  readonly #instances = new Map<string, DiscoveredInstance>();
  /** Services with an instance, or with a change that history still reaches. */
  readonly #services = new Map<string, ServiceRecord>();
  /** Those that some id has, or had. */
  readonly #marks = new Set<IdMark>();
  readonly #wakers: Wakers;
  readonly #listeners = new Set<ServiceListener>();
  readonly #listenerFailed: (error: unknown) => void;
  /** In order; made again when a service comes or goes. */
  #ordered: readonly ServiceRecord[] | undefined;

  constructor(options: {
    readonly revision: number;
    readonly instances: readonly DiscoveredInstance[];
    readonly listenerFailed: (error: unknown) => void;
    /** Changes that can be told again, at least; 16 384 unless given. */
    readonly historyLength?: number;
  }) {
    this.#revision = options.revision;
    this.#history = new History(options.revision, options.historyLength ?? HISTORY_LENGTH);
    this.#wakers = new Wakers(options.listenerFailed);
    this.#listenerFailed = options.listenerFailed;
    for (const instance of options.instances) {
      this.#instances.set(instance.instanceId, instance);
      this.#noteMarks(instance);
      this.#record(instance).instances.set(instance.instanceId, instance);
    }
  }

  get revision(): number {
    return this.#revision;
  }

  instance(instanceId: string): DiscoveredInstance | undefined {
    return this.#instances.get(instanceId);
  }

  hasIdsWith(mark: IdMark): boolean {
    return this.#marks.has(mark);
  }

  service({ service, namespace }: ServiceKey): Service | undefined {
    const record = this.#services.get(keyOf(namespace, service));
    return record === undefined || record.instances.size === 0 ? undefined : record.whole();
  }

  /** Every service with its instances; `services` is cheaper for whoever wants no instances. */
  wholeServices(): readonly Service[] {
    return this.#present().map((record) => record.whole());
  }

  find(query: DiscoveryQuery): Discovered {
    const record = this.#services.get(keyOf(query.namespace, query.service));
    // What was forgotten changed before the oldest revision that history reaches.
    if (record === undefined) return { revision: this.#history.floor, instances: NOBODY };
    const { tag, tags = [], selector, near, health = 'any' } = query;
    if (tag === undefined && tags.length === 0 && selector === undefined) {
      const found = record.healthy(health);
      return near === undefined ? found : { ...found, instances: byNearness(found.instances, near) };
    }
    const filter = filterOf(query);
    const { instances } = record.whole();
    const found = filter === undefined ? instances : instances.filter(filter);
    return { revision: record.revision, instances: near === undefined ? found : byNearness(found, near) };
  }

  services(namespace?: string): readonly ServiceSummary[] {
    const records = this.#present();
    const meant = namespace === undefined ? records : records.filter((record) => record.namespace === namespace);
    return meant.map((record) => record.summary());
  }

  onChange({ service, namespace }: ServiceKey, listener: () => void): () => void {
    return this.#wakers.add(keyOf(namespace, service), listener);
  }

  /** Calls back at every change of every service. */
  watchServices(listener: ServiceListener): () => void {
    const own: ServiceListener = (change) => listener(change);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  watch(scope: WatchScope, wake: () => void, from?: number): WatchOpened {
    if (from !== undefined && !(from <= this.#revision)) {
      const text = `revision ${from} is not there yet; the newest is ${this.#revision}: begin without a revision`;
      return fail({ kind: 'future', error: new RampartError('FUTURE_REVISION', text) });
    }
    const oldest = this.#history.floor;
    if (from !== undefined && from < oldest) return fail({ kind: 'compacted', oldest, by: 'history' });
    const key = keyOfScope(scope);
    const watch = new HistoryWatch(this.#watched(scope, key), {
      filter: filterOfScope(scope),
      from,
      wake,
      listen: (listener) => this.#wakers.add(key, listener),
    });
    return ok(watch);
  }

  /** Shows the instance in place of any of the same id. */
  put(instance: DiscoveredInstance): void {
    const { instanceId } = instance;
    const before = this.#instances.get(instanceId);
    const revision = this.#revision + 1;
    this.#instances.set(instanceId, instance);
    if (before === undefined) this.#noteMarks(instance);
    const record = this.#record(instance);
    const old = before === undefined ? undefined : isOf(record, before) ? record : this.#record(before);
    const entries: HistoryEntry[] = [];
    if (before !== undefined && old !== undefined && old !== record) {
      old.instances.delete(instanceId);
      entries.push(historyEntry({ revision, key: old.key, before, after: undefined }));
    }
    record.instances.set(instanceId, instance);
    const same = old === record ? before : undefined;
    entries.push(historyEntry({ revision, key: record.key, before: same, after: instance }));
    this.#publish(revision, entries);
  }

  /**
   * Shows words of a check that are new, and nothing else that is: no change that anybody is told of. Whoever looks sees them.
   * An instance that says something else every few seconds would otherwise wake everybody and use up history (Consul waits
   * five minutes with such changes).
   */
  amend(instance: DiscoveredInstance): void {
    const record = this.#record(instance);
    this.#instances.set(instance.instanceId, instance);
    record.instances.set(instance.instanceId, instance);
    record.changed(record.revision);
  }

  remove(instanceId: string): void {
    const before = this.#instances.get(instanceId);
    if (before === undefined) return;
    this.#instances.delete(instanceId);
    const record = this.#record(before);
    record.instances.delete(instanceId);
    const revision = this.#revision + 1;
    this.#publish(revision, [historyEntry({ revision, key: record.key, before, after: undefined })]);
  }

  #noteMarks({ instanceId }: DiscoveredInstance): void {
    for (const mark of MARKS) if (!this.#marks.has(mark) && instanceId.includes(mark)) this.#marks.add(mark);
  }

  #publish(revision: number, entries: readonly HistoryEntry[]): void {
    this.#revision = revision;
    for (const entry of entries) {
      const record = this.#services.get(entry.key);
      record?.changed(revision);
      record?.log.push(entry);
      // A change that may have brought or ended the service.
      if (record === undefined || record.instances.size <= 1) this.#ordered = undefined;
      this.#forget(this.#history.add(entry));
    }
    this.#wake(revision, entries);
    for (const { key, namespace } of entries)
      this.#tell({ revision, namespace, name: key.slice(namespace.length + 1) });
  }

  #wake(revision: number, entries: readonly HistoryEntry[]): void {
    if (this.#wakers.isEmpty) return;
    for (const namespace of new Set(entries.map((entry) => entry.namespace)))
      this.#wakers.wake(keyOf(namespace, ''), revision);
    for (const { key } of entries) this.#wakers.wake(key, revision);
    this.#wakers.wake(EVERYTHING, revision);
  }

  #forget(dropped: readonly HistoryEntry[]): void {
    if (dropped.length === 0) return;
    const { floor } = this.#history;
    for (const key of new Set(dropped.map((entry) => entry.key))) {
      const record = this.#services.get(key);
      if (record === undefined) continue;
      record.log.splice(0, firstAfter(record.log, floor));
      if (record.log.length === 0 && record.instances.size === 0) this.#services.delete(key);
    }
  }

  #tell(change: ServiceChange): void {
    for (const listener of Array.from(this.#listeners)) {
      try {
        listener(change);
      } catch (error) {
        this.#listenerFailed(error);
      }
    }
  }

  #record({ service, namespace }: ServiceKey): ServiceRecord {
    const key = keyOf(namespace, service);
    const known = this.#services.get(key);
    if (known !== undefined) return known;
    const record = new ServiceRecord({ service, namespace }, this.#revision);
    this.#services.set(record.key, record);
    return record;
  }

  #present(): readonly ServiceRecord[] {
    this.#ordered ??= [...this.#services.values()].filter(({ instances }) => instances.size > 0).sort(byName);
    return this.#ordered;
  }

  #watched(scope: WatchScope, key: string): WatchedHistory {
    const revision = (): number => this.#revision;
    const floor = (): number => this.#history.floor;
    if (scope === 'all')
      return {
        revision,
        floor,
        after: (since) => this.#history.after(since),
        instances: () => this.#instances.values(),
      };
    const { namespace } = scope;
    if (scope.service === undefined)
      return {
        revision,
        floor,
        after: (since) => this.#history.after(since).filter((entry) => entry.namespace === namespace),
        instances: () =>
          this.#present().flatMap((record) => (record.namespace === namespace ? [...record.instances.values()] : [])),
      };
    return {
      revision,
      floor,
      after: (since) => {
        const log = this.#services.get(key)?.log ?? [];
        return log.slice(firstAfter(log, since));
      },
      instances: () => this.#services.get(key)?.instances.values() ?? [],
    };
  }
}

function isOf({ name, namespace }: ServiceRecord, instance: ServiceKey): boolean {
  return name === instance.service && namespace === instance.namespace;
}

function keyOfScope(scope: WatchScope): string {
  if (scope === 'all') return EVERYTHING;
  return keyOf(scope.namespace, scope.service ?? '');
}

function byName(a: ServiceRecord, b: ServiceRecord): number {
  return compare(a.namespace, b.namespace) || compare(a.name, b.name);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
