import type { Permit } from '../authorize.ts';
import type { Answer } from '../request/answer.ts';
import type { InboundExchange } from '../request/exchange.ts';
import type { RequestFacts } from '../request/facts.ts';
import type { RequestLimits } from './request-limits.ts';

/** A request that policy lets through, with the verdict of its exchange set. */
export interface PermittedRequest {
  readonly permit: Permit;
  readonly exchange: InboundExchange;
  readonly facts: RequestFacts;
}

/**
 * Evidence that a permitted request found room under the limits of its workload. Only `Entry.by` gives one out, and
 * `deliver` asks for one, so that no path to the application goes around them.
 */
export class Entry {
  /** Private, so that nothing else has the form of an entry. */
  readonly #isEvidence: true = true;
  /** One for all: a request with room costs no allocation. */
  static readonly #given: Entry = new Entry();

  private constructor() {
    void this.#isEvidence;
  }

  /** limit: takes room for a request until it is on record, or says how it is to be answered. */
  static by(limits: RequestLimits, { exchange, facts }: PermittedRequest): Entry | Answer {
    return limits.take(exchange, facts) ?? Entry.#given;
  }
}
