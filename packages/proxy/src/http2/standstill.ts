import type { GivenUpError } from '../http/given-up.ts';
import type { Http2Exchange } from './server-exchange.ts';

/** Since when a request was seen to stand still, and how many bytes had moved by then. */
interface Sight {
  readonly at: number;
  readonly moved: number;
}

export interface StandstillOptions {
  /** Milliseconds after which a request is given up. */
  readonly patience: number;
  readonly reason: () => GivenUpError;
}

/** Gives up requests that stand still at every look for too long. */
export class Standstill {
  readonly #options: StandstillOptions;
  #sights = new Map<Http2Exchange, Sight>();

  constructor(options: StandstillOptions) {
    this.#options = options;
  }

  /** `standing`: requests that wait now for what their caller is to do. */
  look(now: number, standing: Iterable<Http2Exchange>): void {
    const { patience, reason } = this.#options;
    const sights = new Map<Http2Exchange, Sight>();
    for (const exchange of standing) {
      const moved = exchange.bytesReceived + exchange.bytesSent;
      const before = this.#sights.get(exchange);
      const since = before?.moved === moved ? before : { at: now, moved };
      if (now - since.at >= patience) exchange.expire(reason());
      else sights.set(exchange, since);
    }
    this.#sights = sights;
  }
}
