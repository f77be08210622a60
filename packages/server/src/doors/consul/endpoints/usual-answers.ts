import { BoundedCache } from '@rampart/core';
import type { Discovered } from '@rampart/registry';
import type { Item } from '../filter/filter.ts';
import { type ConsulCall, isSet, param } from '../http/call.ts';
import { Rendered } from '../http/rendered.ts';

/** Questions that narrow the answer to something of their own. */
const NARROWING = ['filter', 'node-meta', 'tag', 'near'];
const MOST_ANSWERS = 10_000;
/** Longer ones are made anew: a few huge services must not fill the memory. */
const LONGEST_ANSWER = 256 * 1024;

interface Kept {
  readonly revision: number;
  readonly instances: number;
  readonly rendered: Rendered;
}

/** True for what clients ask again and again: a service, all of it or what passes. */
export function isUsual({ query }: ConsulCall): boolean {
  return NARROWING.every((name) => !query.has(name));
}

/** Answers as they were written for the last revision of each service: it is read far more often than it changes. */
export class UsualAnswers {
  readonly #kept = new BoundedCache<string, Kept>(MOST_ANSWERS);

  of(call: ConsulCall, make: (found: Discovered) => Item): (found: Discovered) => Rendered {
    const name = `${call.namespace}/${param(call, 'service')}/${isSet(call.query, 'passing') ? 'passing' : ''}`;
    return (found) => {
      const { revision, instances } = found;
      const kept = this.#kept.get(name);
      // Whoever may not know of a service finds another revision, and nothing.
      if (kept?.revision === revision && kept.instances === instances.length) return kept.rendered;
      const rendered = new Rendered(make(found));
      if (rendered.text.length <= LONGEST_ANSWER) {
        this.#kept.set(name, { revision, instances: instances.length, rendered });
      }
      return rendered;
    };
  }
}
