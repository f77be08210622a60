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

/** What a data plane gives no requests to at present. */
export interface TrafficStanding {
  readonly ejected: readonly EjectedInstance[];
  readonly breakers: readonly OpenBreaker[];
}

const NOTHING: TrafficStanding = { ejected: [], breakers: [] };

/** The standing of the moment, for whoever tells the control plane. */
export class StandingReport {
  #current = NOTHING;
  #text = JSON.stringify(NOTHING);
  #changed: ((standing: TrafficStanding) => void) | undefined;

  get current(): TrafficStanding {
    return this.#current;
  }

  set(standing: TrafficStanding): void {
    const text = JSON.stringify(standing);
    if (text === this.#text) return;
    this.#text = text;
    this.#current = standing;
    this.#changed?.(standing);
  }

  /** Hears of every change; one at a time. */
  observe(changed: (standing: TrafficStanding) => void): void {
    this.#changed = changed;
  }
}
