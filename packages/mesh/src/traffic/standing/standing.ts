import { joined } from './joined.ts';

/** An instance that is given no requests because of how it answered. */
export interface EjectedInstance {
  readonly namespace: string;
  readonly service: string;
  readonly instanceId: string;
  /** Unix milliseconds. */
  readonly until: number;
}

/** A breaker that turned requests away lately, or would turn away the next. */
export interface OpenBreaker {
  readonly namespace: string;
  readonly service: string;
  /** "" for the service as a whole. */
  readonly subset: string;
}

/** A service whose requests were sent again. */
export interface RetriedService {
  readonly namespace: string;
  readonly service: string;
  /** Tries after the first one, within the last ten seconds. */
  readonly lately: number;
}

/** What a data plane gives no requests to at present, and whom it asks again. */
export interface TrafficStanding {
  readonly ejected: readonly EjectedInstance[];
  readonly breakers: readonly OpenBreaker[];
  readonly retried: readonly RetriedService[];
}

const NOTHING: TrafficStanding = { ejected: [], breakers: [], retried: [] };

/** The standing of the moment, for whoever tells the control plane: of this process, and of others of its workload that tell it. */
export class StandingReport {
  readonly #parts = new Map<object, TrafficStanding>();
  #current = NOTHING;
  #text = JSON.stringify(NOTHING);
  #changed: ((standing: TrafficStanding) => void) | undefined;

  get current(): TrafficStanding {
    return this.#current;
  }

  /** `part` is the thread or process whose standing it is; this one where none is named. */
  set(standing: TrafficStanding, part: object = this): void {
    this.#parts.set(part, standing);
    this.#join();
  }

  /** That thread or process has ended. */
  leave(part: object): void {
    if (this.#parts.delete(part)) this.#join();
  }

  /** Hears of every change; one at a time. */
  observe(changed: (standing: TrafficStanding) => void): void {
    this.#changed = changed;
  }

  #join(): void {
    const standing = joined([...this.#parts.values()]);
    const text = JSON.stringify(standing);
    if (text === this.#text) return;
    this.#text = text;
    this.#current = standing;
    this.#changed?.(standing);
  }
}
