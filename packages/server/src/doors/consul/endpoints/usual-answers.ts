import type { Discovered } from '@rampart/registry';
import type { Item } from '../filter/filter.ts';
import { type ConsulCall, isSet, param } from '../http/call.ts';
import { Rendered } from '../http/rendered.ts';

/** Questions that narrow the answer to something of their own. */
const NARROWING = ['filter', 'node-meta', 'tag', 'near'];
/** Up to twice as much is kept: a registry of a hundred thousand instances must not be in memory a second time, and a third. */
const MOST_BYTES = 32 * 1024 * 1024;

interface Kept {
  readonly of: Discovered;
  readonly rendered: Rendered;
}

/** True for what clients ask again and again: a service, all of it or what passes. */
export function isUsual({ query }: ConsulCall): boolean {
  return NARROWING.every((name) => !query.has(name));
}

/**
 * Answers as they were written for the last revision of each service: it is read far more often than it changes. They are kept by the
 * very list of instances, which is never changed: whoever may see less of a service is given another list, and never this answer.
 */
export class UsualAnswers {
  #young = new Map<string, Kept>();
  /** Those that have not been asked for since the young ones began; forgotten next. */
  #old = new Map<string, Kept>();
  #youngBytes = 0;

  of(call: ConsulCall, make: (found: Discovered) => Item): (found: Discovered) => Rendered {
    const name = `${call.namespace}/${param(call, 'service')}/${isSet(call.query, 'passing') ? 'passing' : ''}`;
    return (found) => {
      const young = this.#young.get(name);
      if (young !== undefined && isFor(young, found)) return young.rendered;
      const old = this.#old.get(name);
      const rendered = old !== undefined && isFor(old, found) ? old.rendered : new Rendered(make(found));
      this.#keep(name, { of: found, rendered });
      return rendered;
    };
  }

  #keep(name: string, kept: Kept): void {
    const bytes = kept.rendered.bytes.length;
    if (bytes > MOST_BYTES) return;
    if (this.#youngBytes + bytes > MOST_BYTES) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#youngBytes += bytes - (this.#young.get(name)?.rendered.bytes.length ?? 0);
    this.#young.set(name, kept);
  }
}

function isFor({ of: { revision, instances } }: Kept, found: Discovered): boolean {
  return instances === found.instances && revision === found.revision;
}
