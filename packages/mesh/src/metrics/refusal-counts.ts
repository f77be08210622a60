import { labelText } from './families.ts';
import type { MetricFamily } from './families.ts';

/** Policies that are kept apart. */
const MOST_POLICIES = 500;
const OTHERS = 'other';

/** Requests or connections that something refused, by the policy that says so. */
export class RefusalCounts {
  readonly #byPolicy = new Map<string, number>();

  /** `policy` is "namespace/name", or "" where none is named. */
  add(policy: string): void {
    const isKept = this.#byPolicy.size < MOST_POLICIES || this.#byPolicy.has(policy);
    const name = isKept ? policy : OTHERS;
    this.#byPolicy.set(name, (this.#byPolicy.get(name) ?? 0) + 1);
  }

  family(name: string, help: string): MetricFamily {
    const samples = [...this.#byPolicy].map(([policy, count]) => ['', labelText([['policy', policy]]), count] as const);
    return { name, type: 'counter', help, samples };
  }
}
