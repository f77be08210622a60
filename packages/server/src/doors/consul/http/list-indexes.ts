import { BoundedCache } from '@rampart/core';
import { nameOfIdentity } from '@rampart/registry';
import type { Item } from '../filter/filter.ts';
import { contentHash } from '../model/service.ts';
import type { ConsulCall } from './call.ts';
import type { Rendered } from './rendered.ts';

const KEPT = 5000;
/** Parameters that change when an answer comes, or its form, and not what is in it. */
const ABOUT_WAITING = new Set(['index', 'wait', 'hash', 'stale', 'consistent', 'cached', 'pretty', 'token']);

/**
 * Indexes of answers about a whole namespace: each stays while the answer of its caller does, whatever else is written. So nobody
 * is waked by what he is not told of, nor learns from an index that there was something.
 *
 * An index that was forgotten is the revision of the registry again: later than any that was told before it, so whoever waits for it
 * is answered at once, as Consul allows.
 */
export class ListIndexes {
  readonly #known = new BoundedCache<string, { readonly hash: string; readonly index: number }>(KEPT);

  /** @param revision Of the registry, now. */
  of(call: ConsulCall, json: Item | Rendered, revision: number): number {
    const key = keyOf(call);
    const hash = contentHash(json);
    const known = this.#known.get(key);
    if (known?.hash === hash) return known.index;
    // What a caller sees also changes with what he may see, when nothing was written.
    const index = Math.max(1, revision, (known?.index ?? 0) + 1);
    this.#known.set(key, { hash, index });
    return index;
  }
}

function keyOf({ endpoint, params, query, caller, namespace }: ConsulCall): string {
  const asked = [...query].filter(([name]) => !ABOUT_WAITING.has(name));
  return JSON.stringify([nameOfIdentity(caller), endpoint, namespace, params, asked]);
}
