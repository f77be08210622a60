import type { CheckedInstance } from './checked-instance.ts';

/** Who asked for a run, and of what it is. */
export type Asker = Pick<CheckedInstance, 'owner' | 'namespace' | 'service'>;

interface Line {
  readonly asker: Asker;
  readonly keys: string[];
}

/** More at once would be a flood of their own. */
const MOST_RUNS = 256;
/** So that the checks of one service that hang, or of one owner who wants them to, take nobody else's turns. */
const MOST_OF_SERVICE = 32;
const MOST_OF_OWNER = 64;
/** Runs begun within so many milliseconds: 1 000 a second, whatever is asked for. */
const MOST_BEGUN = 100;
export const PACE_MS = 100;

/** Which check is run next: services take turns, and what is due first in one of them comes first of it. */
export class RunQueue {
  /** By service and owner, in the order of their turns. */
  readonly #lines = new Map<string, Line>();
  readonly #waiting = new Set<string>();
  readonly #running = new Map<string, number>();
  #all = 0;
  #begun = 0;
  #paceAt = Number.NEGATIVE_INFINITY;

  /** What waits already waits once. */
  push(asker: Asker, key: string): void {
    if (this.#waiting.has(key)) return;
    this.#waiting.add(key);
    const name = serviceOf(asker);
    const line = this.#lines.get(name);
    if (line === undefined) this.#lines.set(name, { asker, keys: [key] });
    else line.keys.push(key);
  }

  /** The next one, which then takes a place until `done`; undefined when there is none, or it has to wait. */
  next(now: number): { readonly asker: Asker; readonly key: string } | undefined {
    if (this.#all >= MOST_RUNS || this.mustPace(now)) return undefined;
    for (const [name, line] of this.#lines) {
      const { asker, keys } = line;
      if (!this.#hasPlace(asker)) continue;
      const key = keys.shift();
      // Its turn is over: it goes behind all others.
      this.#lines.delete(name);
      if (keys.length > 0) this.#lines.set(name, line);
      if (key === undefined) continue;
      this.#waiting.delete(key);
      this.#count(asker, 1);
      this.#begun += 1;
      return { asker, key };
    }
    return undefined;
  }

  /** Whether so many were begun that the next has to wait for `PACE_MS`. */
  mustPace(now: number): boolean {
    if (now - this.#paceAt >= PACE_MS || now < this.#paceAt) {
      this.#paceAt = now;
      this.#begun = 0;
    }
    return this.#begun >= MOST_BEGUN && this.#lines.size > 0;
  }

  done(asker: Asker): void {
    this.#count(asker, -1);
  }

  clear(): void {
    this.#lines.clear();
    this.#waiting.clear();
  }

  #hasPlace(asker: Asker): boolean {
    if ((this.#running.get(serviceOf(asker)) ?? 0) >= MOST_OF_SERVICE) return false;
    // Operators register for everybody, and agents are told of no owners.
    const isOfMany = asker.owner === '' || asker.owner.startsWith('operator:');
    return isOfMany || (this.#running.get(asker.owner) ?? 0) < MOST_OF_OWNER;
  }

  #count(asker: Asker, change: 1 | -1): void {
    this.#all += change;
    for (const name of [serviceOf(asker), asker.owner]) {
      const count = (this.#running.get(name) ?? 0) + change;
      if (count === 0) this.#running.delete(name);
      else this.#running.set(name, count);
    }
  }
}

function serviceOf({ namespace, service, owner }: Asker): string {
  return `${namespace}/${service} ${owner}`;
}
