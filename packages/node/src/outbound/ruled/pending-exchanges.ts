import type { OutboundExchange } from '@rampart/mesh';

/** Some requests never come, because their caller gives up first. */
const MOST = 10_000;

/** Exchanges that were begun where a request was made, until it comes to where rules are held. */
export class PendingExchanges {
  readonly #pending = new Map<string, OutboundExchange>();

  /**
   * Returns the value of `CALL_HEADER` that the request is to come with. Applications pass on headers of their callers, who cannot
   * guess one: the id of a span is 64 random bits, told to nobody before the exchange is taken.
   */
  expect(exchange: OutboundExchange): string {
    const value = exchange.spanId;
    if (this.#pending.size >= MOST) this.#forgetOldest();
    this.#pending.set(value, exchange);
    return value;
  }

  take(value: string | string[] | undefined): OutboundExchange | undefined {
    if (typeof value !== 'string') return undefined;
    const exchange = this.#pending.get(value);
    this.#pending.delete(value);
    return exchange;
  }

  /** Should its request come after all, an exchange is begun for it then. */
  #forgetOldest(): void {
    for (const oldest of this.#pending.keys()) {
      this.#pending.delete(oldest);
      return;
    }
  }

  /** Nothing comes of it. */
  forget(value: string): void {
    this.#pending.delete(value);
  }
}
