import { BoundedCache } from '../../bounded-cache.ts';
import type { RequestAttributes } from '../attributes.ts';
import { HOST, METHOD, PATH } from './checks/subjects.ts';
import type { Explanation } from './explanation.ts';
import type { CompiledPolicy } from './policy.ts';
import { groupsOf } from './rule.ts';

const KEPT = 1024;
const LONGEST_KEY = 512;
const TARGET: ReadonlySet<unknown> = new Set([METHOD, PATH, HOST]);

/** Explanations of denials that come again and again. */
export class ExplanationMemo {
  readonly #cache = new BoundedCache<string, Explanation>(KEPT);
  /** Whether method, path and host of a request are all that its explanation depends on. */
  readonly #isByTarget: boolean;

  constructor(allowing: readonly CompiledPolicy[]) {
    this.#isByTarget = allowing.every((policy) =>
      policy.rules.every((rule) =>
        groupsOf(rule).every((group) => group.request.every((check) => TARGET.has(check.subject))),
      ),
    );
  }

  /** `connection` is a number that only connections with the same explanations share. */
  of(connection: number, request: RequestAttributes, explain: () => Explanation): Explanation {
    if (!this.#isByTarget) return explain();
    const key = `${connection} ${request.method} ${request.host} ${request.path}`;
    if (key.length > LONGEST_KEY) return explain();
    let explanation = this.#cache.get(key);
    if (explanation === undefined) {
      explanation = explain();
      this.#cache.set(key, explanation);
    }
    return explanation;
  }
}
