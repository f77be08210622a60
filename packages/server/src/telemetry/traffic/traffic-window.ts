import { neverArrived } from '@rampart/core';
import { ServiceTally, type TalliedBlock } from './service-tally.ts';

/** What happened is counted by the second in which it was reported. */
const SLOT_MS = 1000;

/** Services are named by those who call them: more than this many at a time are not counted apart. */
const MOST_SERVICES = 10_000;
const OTHERS = 'others';

/** What one workload reported. */
export interface Report {
  /** Undefined where there are no records. */
  readonly block: TalliedBlock | undefined;
  /** Services that it serves: nobody says for another what was asked of it. */
  readonly served: ReadonlySet<string>;
  /** When it was reported, in Unix milliseconds. */
  readonly at: number;
}

/** Requests to each service within the time that was asked for, ending now. */
export class TrafficWindow {
  readonly #slots: number;
  /** Newest last. */
  readonly #kept: { readonly slot: number; readonly services: Map<string, ServiceTally> }[] = [];

  constructor(windowMs: number) {
    this.#slots = Math.max(1, Math.ceil(windowMs / SLOT_MS));
  }

  get seconds(): number {
    return (this.#slots * SLOT_MS) / 1000;
  }

  add({ block, served, at }: Report): void {
    const services = this.#slot(Math.floor(at / SLOT_MS));
    if (services === undefined || block === undefined) return;
    const { count, reporter, responseFlags, destinationService } = block;
    for (let row = 0; row < count; row += 1) {
      const service = destinationService(row);
      // Both ends report a request that arrived; the called one's record counts.
      const counts = reporter(row) === 'source' ? neverArrived(responseFlags(row)) : served.has(service);
      if (counts) tallyOf(services, service).add(block, row);
    }
  }

  /** By service. */
  read(now: number): ReadonlyMap<string, ServiceTally> {
    this.#forget(now);
    const total = new Map<string, ServiceTally>();
    for (const { services } of this.#kept)
      for (const [service, tally] of services) tallyOf(total, service).merge(tally);
    return total;
  }

  /** Undefined for what is older than all that is kept, and too many seconds ago. */
  #slot(slot: number): Map<string, ServiceTally> | undefined {
    const known = this.#kept.find((each) => each.slot === slot);
    if (known !== undefined) return known.services;
    const newest = this.#kept.at(-1)?.slot ?? slot;
    if (slot <= newest - this.#slots) return undefined;
    const services = new Map<string, ServiceTally>();
    this.#kept.push({ slot, services });
    this.#kept.sort((a, b) => a.slot - b.slot);
    return services;
  }

  #forget(now: number): void {
    const oldest = Math.floor(now / SLOT_MS) - this.#slots;
    while ((this.#kept[0]?.slot ?? oldest + 1) <= oldest) this.#kept.shift();
  }
}

function tallyOf(services: Map<string, ServiceTally>, service: string): ServiceTally {
  const known = services.get(service);
  if (known !== undefined) return known;
  const name = services.size >= MOST_SERVICES ? OTHERS : service;
  const tally = services.get(name) ?? new ServiceTally();
  services.set(name, tally);
  return tally;
}
