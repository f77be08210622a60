import type { Random } from '@rampart/core';

import type { Balancer } from './balancer.ts';
import { hashOf, mix } from './hash.ts';
import type { Member } from './member.ts';

const DEFAULT_SIZE = 1024;
/** As Envoy has it. */
const LARGEST = 8_388_608;
/** Points of an instance with which shares are even within a tenth. */
const EVEN_ENOUGH = 128;
const FEWEST = 4;
/** Points with which a ring is made in a few milliseconds. */
const LARGE = 131_072;
/** A weight counts up to so many times the lightest. */
const MOST_TIMES = 64;
const RANGE = 2 ** 32;

/** Consistent hashing: an instance that comes or goes moves only the requests that it gets, or had (Karger; Envoy RING_HASH). */
export class RingHash implements Balancer {
  readonly #members: readonly Member[];
  readonly #random: Random;
  readonly #points: Uint32Array;
  /** Of each point: whose it is. */
  readonly #owners: Uint32Array;

  constructor(members: readonly Member[], size: number = DEFAULT_SIZE, random: Random) {
    this.#members = members;
    this.#random = random;
    const points = members.length === 0 ? [] : pointsOf(members, Math.min(size, LARGEST));
    points.sort((one, other) => one.at - other.at || one.owner - other.owner);
    this.#points = Uint32Array.from(points, ({ at }) => at);
    this.#owners = Uint32Array.from(points, ({ owner }) => owner);
  }

  pick(_now: number, hash: number = Math.floor(this.#random() * RANGE)): Member | undefined {
    const points = this.#points;
    let low = 0;
    let high = points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((points[middle] ?? 0) < hash) low = middle + 1;
      else high = middle;
    }
    return this.#members[this.#owners[low === points.length ? 0 : low] ?? 0];
  }
}

interface Point {
  readonly at: number;
  readonly owner: number;
}

/**
 * How many points an instance has hangs on its weight alone, but for the power of two that keeps the ring large enough and
 * not too large: a neighbour that comes or goes takes none away.
 */
function pointsOf(members: readonly Member[], size: number): Point[] {
  let lightest = Number.POSITIVE_INFINITY;
  for (const { weight } of members) lightest = Math.min(lightest, weight);
  const unit = unitFor(members.length, size);
  return members.flatMap((member, owner) => {
    const count = Math.min(Math.round((unit * member.weight) / lightest), unit * MOST_TIMES);
    const seed = hashOf(member.endpoint.instanceId);
    return Array.from({ length: count }, (_, index) => ({ at: mix(seed + Math.imul(index, 0x9e_37_79_b9)), owner }));
  });
}

function unitFor(members: number, size: number): number {
  let unit = EVEN_ENOUGH;
  while (unit * members < size) unit *= 2;
  while (unit > FEWEST && unit * members > Math.max(size, LARGE)) unit /= 2;
  return unit;
}
