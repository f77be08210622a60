import type { AccessLogRecord, ConnectionRefusal } from '@rampart/core';
import type { AdminClient } from './admin.ts';

/** One thing the mesh has on record. */
export type MeshEvent =
  | { readonly kind: 'request'; readonly record: AccessLogRecord }
  | { readonly kind: 'refusal'; readonly refusal: ConnectionRefusal };

type Listener = (event: MeshEvent) => void;

const KEPT_EVENTS = 20_000;

/** What the control plane has on record, as it arrives there: the stream that `rampart logs -f` shows. */
export class Records {
  readonly #listeners = new Set<Listener>();
  readonly #events: MeshEvent[] = [];
  readonly #abort = new AbortController();
  #dropped = 0;

  static follow(admin: AdminClient): Records {
    const records = new Records();
    void records.#read(admin);
    return records;
  }

  /** A place in the stream: what arrives later comes after it. */
  get mark(): number {
    return this.#dropped + this.#events.length;
  }

  requests(after = 0): AccessLogRecord[] {
    return this.#since(after).flatMap((event) => (event.kind === 'request' ? [event.record] : []));
  }

  refusals(after = 0): ConnectionRefusal[] {
    return this.#since(after).flatMap((event) => (event.kind === 'refusal' ? [event.refusal] : []));
  }

  /** Calls back for each event from now on. */
  onEvent(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** First request on record after `after` that fits; undefined when none arrives within `milliseconds`. */
  request(search: {
    readonly after?: number;
    readonly milliseconds: number;
    readonly fits: (record: AccessLogRecord) => boolean;
  }): Promise<AccessLogRecord | undefined> {
    return this.#wait(search.milliseconds, () => this.requests(search.after).find(search.fits));
  }

  /** First refused connection on record after `after` that fits; undefined when none arrives within `milliseconds`. */
  refusal(search: {
    readonly after?: number;
    readonly milliseconds: number;
    readonly fits: (refusal: ConnectionRefusal) => boolean;
  }): Promise<ConnectionRefusal | undefined> {
    return this.#wait(search.milliseconds, () => this.refusals(search.after).find(search.fits));
  }

  stop(): void {
    this.#abort.abort();
  }

  #since(mark: number): MeshEvent[] {
    return this.#events.slice(Math.max(0, mark - this.#dropped));
  }

  #wait<T>(milliseconds: number, find: () => T | undefined): Promise<T | undefined> {
    const found = find();
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve) => {
      const finish = (value: T | undefined): void => {
        clearTimeout(timer);
        unsubscribe();
        resolve(value);
      };
      const timer = setTimeout(() => finish(undefined), milliseconds);
      const unsubscribe = this.onEvent(() => {
        const value = find();
        if (value !== undefined) finish(value);
      });
    });
  }

  async #read(admin: AdminClient): Promise<void> {
    try {
      for await (const batch of admin.tailLogs({ follow: true }, { signal: this.#abort.signal })) {
        for (const text of batch.records) this.#add({ kind: 'request', record: JSON.parse(text) as AccessLogRecord });
        for (const text of batch.connections) {
          this.#add({ kind: 'refusal', refusal: JSON.parse(text) as ConnectionRefusal });
        }
      }
    } catch (error) {
      // The stream ends with an error when it is stopped; any other end shows in what waits for records.
      if (!this.#abort.signal.aborted) throw error;
    }
  }

  #add(event: MeshEvent): void {
    this.#events.push(event);
    if (this.#events.length > KEPT_EVENTS) {
      this.#events.shift();
      this.#dropped += 1;
    }
    for (const listener of this.#listeners) listener(event);
  }
}
