import type { Discovered } from '@rampart/registry';
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

type Render = (found: Discovered) => Rendered | Promise<Rendered>;

interface Making {
  readonly of: Discovered;
  readonly rendered: Promise<Rendered>;
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
  /** The newest of each that is not ready: whoever asks meanwhile gets the same one. */
  readonly #making = new Map<string, Making>();

  of(call: ConsulCall, make: Render): Render {
    const name = `${call.namespace}/${param(call, 'service')}/${isSet(call.query, 'passing') ? 'passing' : ''}`;
    return (found) => {
      const young = this.#young.get(name);
      if (young !== undefined && isFor(young, found)) return young.rendered;
      const old = this.#old.get(name);
      const rendered = old !== undefined && isFor(old, found) ? old.rendered : this.#made(name, found, make);
      if (rendered instanceof Rendered) this.#keep(name, { of: found, rendered });
      return rendered;
    };
  }

  #made(name: string, found: Discovered, make: Render): ReturnType<Render> {
    const begun = this.#making.get(name);
    if (begun !== undefined && isFor(begun, found)) return begun.rendered;
    const rendered = make(found);
    if (rendered instanceof Rendered) return rendered;
    const making: Making = { of: found, rendered };
    this.#making.set(name, making);
    return rendered.then((ready) => {
      // One of a later moment may have been begun, and is kept in its place.
      if (this.#making.get(name) === making) {
        this.#making.delete(name);
        this.#keep(name, { of: found, rendered: ready });
      }
      return ready;
    });
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

function isFor({ of: { revision, instances } }: Pick<Kept, 'of'>, found: Discovered): boolean {
  return instances === found.instances && revision === found.revision;
}
