import type { Random } from '@rampart/core';

import type { Balancer } from './balancer.ts';
import { hashOf, mix } from './hash.ts';
import type { Member } from './member.ts';

/** As Envoy has it; a prime. */
const DEFAULT_SIZE = 65_537;
const FREE = 0xff_ff_ff_ff;
const RANGE = 2 ** 32;

/** Consistent hashing by a table that is spread more evenly than a ring, and moves a little more (Eisenbud et al., 2016, §3.4). */
export class Maglev implements Balancer {
  readonly #members: readonly Member[];
  readonly #random: Random;
  readonly #table: Uint32Array;

  constructor(members: readonly Member[], size: number = DEFAULT_SIZE, random: Random) {
    // Whichever order a registry tells them in: all data planes make the same table.
    this.#members = members.toSorted((one, other) => (one.endpoint.instanceId < other.endpoint.instanceId ? -1 : 1));
    this.#random = random;
    this.#table = members.length === 0 ? new Uint32Array() : tableOf(this.#members, size);
  }

  pick(_now: number, hash: number = Math.floor(this.#random() * RANGE)): Member | undefined {
    return this.#members[this.#table[hash % this.#table.length] ?? 0];
  }
}

/** Each instance takes the next free place of its own order of all places, as often as it weighs. */
function tableOf(members: readonly Member[], size: number): Uint32Array {
  const table = new Uint32Array(size).fill(FREE);
  let heaviest = 0;
  for (const { weight } of members) heaviest = Math.max(heaviest, weight);
  const orders = members.map((member) => {
    const seed = hashOf(member.endpoint.instanceId);
    return {
      place: seed % size,
      skip: (mix(seed ^ 0x5b_d1_e9_95) % (size - 1)) + 1,
      share: member.weight / heaviest,
      due: 0,
    };
  });
  for (let filled = 0; filled < size;) {
    for (const [owner, order] of orders.entries()) {
      order.due += order.share;
      if (order.due < 1 || filled === size) continue;
      order.due -= 1;
      while (table[order.place] !== FREE) order.place = (order.place + order.skip) % size;
      table[order.place] = owner;
      filled += 1;
    }
  }
  return table;
}
