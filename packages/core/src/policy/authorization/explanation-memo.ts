import type { RequestAttributes } from '../attributes.ts';
import { HOST, METHOD, PATH } from './checks/subjects.ts';
import type { Explanation } from './explanation.ts';
import type { CompiledPolicy } from './policy.ts';
import { groupsOf } from './rule.ts';

const LONGEST_TARGET = 512;
const TARGET: ReadonlySet<unknown> = new Set([METHOD, PATH, HOST]);

interface Explained {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly explanation: Explanation;
}

/**
 * The explanation of a connection's last denial: callers that are denied mostly come again with the same. No more are
 * kept, because to look among many costs as much as to explain, and paths that never come again would fill them.
 */
export class ExplanationMemo {
  #last: Explained | undefined;

  of({ method, host, path }: RequestAttributes, explain: () => Explanation): Explanation {
    const last = this.#last;
    if (last?.path === path && last.method === method && last.host === host) return last.explanation;
    const explanation = explain();
    if (host.length + path.length <= LONGEST_TARGET) this.#last = { method, host, path, explanation };
    return explanation;
  }
}

/** Whether method, path and host of a request are all that its explanation depends on. */
export function isExplainedByTarget(allowing: readonly CompiledPolicy[]): boolean {
  return allowing.every((policy) =>
    policy.rules.every((rule) =>
      groupsOf(rule).every((group) => group.request.every((check) => TARGET.has(check.subject))),
    ),
  );
}
