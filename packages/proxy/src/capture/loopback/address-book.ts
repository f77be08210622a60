import { candidatesFor, isInRange } from './loopback-range.ts';

export interface AddressBookOptions {
  /** Different for each sidecar of a host: the name of its workload, or of its instance. */
  readonly seed: string;
  /** Names and their addresses from before; what is no address of the range, or another's, is left out. */
  readonly known?: Iterable<readonly [name: string, address: string]>;
  /** Names at most. */
  readonly mostNames?: number;
  /** Called when a name has got another address, or has lost its own. */
  changed?(): void;
}

const MOST_NAMES = 1024;

/** Which address of the loopback stands for which service: one each, always the same, and none for two. */
export class AddressBook {
  readonly #options: AddressBookOptions;
  /** In the order in which they were asked for last. */
  readonly #byName = new Map<string, string>();
  readonly #byAddress = new Map<string, string>();

  constructor(options: AddressBookOptions) {
    this.#options = options;
    for (const [name, address] of options.known ?? []) {
      const isFree = isInRange(address) && !this.#byAddress.has(address) && !this.#byName.has(name);
      if (isFree && !this.isFull) this.#set(name, address);
    }
  }

  get isFull(): boolean {
    return this.#byName.size >= (this.#options.mostNames ?? MOST_NAMES);
  }

  /** Names with their addresses, the one that was asked for longest ago first. */
  get entries(): ReadonlyMap<string, string> {
    return this.#byName;
  }

  /** The name that has an address; undefined for addresses that stand for nothing. */
  nameAt(address: string): string | undefined {
    return this.#byAddress.get(address);
  }

  /** The address of a name, a new one where it has none; undefined where there is no room for it. */
  addressOf(name: string): string | undefined {
    const known = this.#byName.get(name);
    if (known !== undefined) {
      this.#byName.delete(name);
      this.#byName.set(name, known);
      return known;
    }
    return this.isFull ? undefined : this.#take(name, new Set());
  }

  /** Another address for a name, because somebody else of this host has those of `taken`. */
  move(name: string, taken: ReadonlySet<string>): string | undefined {
    this.#drop(name);
    const address = this.#take(name, taken);
    if (address === undefined) this.#options.changed?.();
    return address;
  }

  forget(name: string): void {
    if (!this.#byName.has(name)) return;
    this.#drop(name);
    this.#options.changed?.();
  }

  #take(name: string, taken: ReadonlySet<string>): string | undefined {
    for (const address of candidatesFor(name, this.#options.seed)) {
      if (this.#byAddress.has(address) || taken.has(address)) continue;
      this.#set(name, address);
      this.#options.changed?.();
      return address;
    }
    return undefined;
  }

  #set(name: string, address: string): void {
    this.#byName.set(name, address);
    this.#byAddress.set(address, name);
  }

  #drop(name: string): void {
    const address = this.#byName.get(name);
    if (address !== undefined) this.#byAddress.delete(address);
    this.#byName.delete(name);
  }
}
