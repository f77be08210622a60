import type { Target } from '../../outbound/outbound.ts';
import { ResponseFlag } from '../../record/flags.ts';
import type { Member } from '../balance/member.ts';
import type { Outcome } from '../outlier/outcome.ts';
import { retryPause } from '../retry/backoff.ts';
import { isRetriable, isSafe } from '../retry/conditions.ts';
import type { TriedRequest } from '../retry/conditions.ts';
import type { RetrySettings } from '../settings/resilience.ts';
import type { CallSurroundings } from './surroundings.ts';
import type { Way } from './way.ts';

export interface TryFacts {
  readonly request: TriedRequest;
  readonly grpcStatus: string | undefined;
  /** Of HTTP; 0 without an answer. */
  readonly status: number;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: number;
}

/** "enough": what has come is for the caller; a flag: it is, because the retry that it asks for cannot be had. */
export type RetryVerdict = 'again' | 'enough' | typeof ResponseFlag.retriesUsedUp | typeof ResponseFlag.overloaded;

/** The tries of one request, and what each takes of its instance's room and of the budget for retries. */
export class Retries {
  readonly #settings: RetrySettings | undefined;
  readonly #way: Way;
  readonly #around: CallSurroundings;
  #member: Member | undefined;
  #avoid: Set<Member> | undefined;
  #done = 0;
  #holdsRetry = false;

  constructor(settings: RetrySettings | undefined, way: Way, around: CallSurroundings) {
    this.#settings = settings;
    this.#way = way;
    this.#around = around;
  }

  /** The instance of the next try; undefined where none may be given requests. */
  next(now: number): Target | undefined {
    const { destination, hash } = this.#way;
    const member = destination.group.pick(now, { hash, avoid: this.#avoid });
    if (member === undefined) return undefined;
    this.#member = member;
    member.inFlight += 1;
    return { service: destination.service, endpoint: member.endpoint };
  }

  /** Counts how the present try ended. */
  saw(outcome: Outcome, facts: TryFacts): RetryVerdict {
    const settings = this.#settings;
    this.tooLate(outcome, facts.now);
    if (settings === undefined || settings.attempts === 0) return 'enough';
    const isAsSeen = outcome.end !== 'answer' || outcome.status === facts.status;
    const judged = isAsSeen ? outcome : { ...outcome, status: facts.status };
    if (!isRetriable(settings, judged, facts.grpcStatus) || !isSafe(facts.request, outcome)) return 'enough';
    const { counts } = this.#way.destination;
    if (this.#done >= settings.attempts) {
      counts.retriesUsedUp += 1;
      return ResponseFlag.retriesUsedUp;
    }
    if (this.#take(facts.now)) {
      counts.retries += 1;
      return 'again';
    }
    counts.retriesTurnedAway += 1;
    return ResponseFlag.overloaded;
  }

  /** Counts a try that nothing follows. */
  tooLate(outcome: Outcome, now: number): void {
    const { group, counts } = this.#way.destination;
    if (this.#member !== undefined && group.saw(this.#member, outcome, now)) counts.ejections += 1;
  }

  /** Milliseconds to wait before the next try. */
  pause(): number {
    return retryPause(this.#done, this.#settings?.backoffMs, this.#around.random);
  }

  /** The present try takes no room of its instance any more. */
  release(): void {
    if (this.#member === undefined) return;
    this.#member.inFlight -= 1;
    this.#member = undefined;
  }

  /** Nothing follows. */
  over(): void {
    this.release();
    if (this.#holdsRetry) this.#way.destination.breaker.retried();
    this.#holdsRetry = false;
  }

  #take(now: number): boolean {
    const { budget, breaker } = this.#way.destination;
    if (!this.#holdsRetry && !breaker.retry()) return false;
    this.#holdsRetry = true;
    if (!budget.take(now)) return false;
    this.#done += 1;
    if (this.#member !== undefined) (this.#avoid ??= new Set()).add(this.#member);
    return true;
  }
}
