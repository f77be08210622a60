import type { Member } from '../balance/member.ts';
import type { Destination } from '../group/service-state.ts';

/**
 * A connection on which requests are not told apart, as rules hold it: `maxConnections` bounds how many are open, and an instance
 * that takes none is an outlier. Envoy refuses what is beyond the bound at once as well.
 */
export class HeldConnection {
  readonly #destination: Pick<Destination, 'breaker' | 'counts' | 'group'>;
  readonly #member: Member;
  readonly #now: () => number;
  #isOpen = false;

  constructor(destination: Pick<Destination, 'breaker' | 'counts' | 'group'>, member: Member, now: () => number) {
    this.#destination = destination;
    this.#member = member;
    this.#now = now;
  }

  /** Takes room for it, until it is closed. False where as many are open as a rule allows. */
  open(): boolean {
    const { breaker, counts } = this.#destination;
    if (!breaker.enterNow()) {
      counts.shed += 1;
      return false;
    }
    this.#isOpen = true;
    this.#member.inFlight += 1;
    return true;
  }

  /** Whether the instance took the connection. */
  answered(isTaken: boolean): void {
    const { group, counts } = this.#destination;
    const outcome = {
      end: isTaken ? 'answer' : 'connect-failure',
      status: isTaken ? 200 : 0,
      milliseconds: 0,
    } as const;
    if (group.judge(this.#member, outcome, this.#now())) counts.ejections += 1;
  }

  /** It is over; said again, nothing. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#member.inFlight -= 1;
    this.#destination.breaker.leave();
  }
}
