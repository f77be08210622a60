import type { CheckDefinition, CheckStatus } from './check.ts';

type Limits = Pick<CheckDefinition, 'successBeforePassing' | 'failuresBeforeWarning' | 'failuresBeforeCritical'>;

/**
 * What several runs in a row say together (Consul's rules): passing and warning are successes, critical is a failure; one
 * of the other kind begins the count anew; below its threshold a run changes nothing.
 */
export class Thresholds {
  #successes = 0;
  #failures = 0;

  /** The status that follows from one more run; undefined when it stays what it is. */
  count(result: CheckStatus, limits: Limits): CheckStatus | undefined {
    if (result !== 'critical') {
      this.#failures = 0;
      this.#successes += 1;
      return this.#successes >= limits.successBeforePassing ? result : undefined;
    }
    this.#successes = 0;
    this.#failures += 1;
    if (this.#failures >= limits.failuresBeforeCritical) return 'critical';
    return this.#failures >= limits.failuresBeforeWarning ? 'warning' : undefined;
  }
}
