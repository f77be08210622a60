import { SpiffeId } from '@rampart/core';
import type { Random } from '@rampart/core';

import type { MeshEndpoint, MeshService } from '../view/endpoint.ts';
import { Member } from './balance/member.ts';

/** The same dice each time (mulberry32). */
export function dice(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function endpoint(index: number, more: Partial<MeshEndpoint> = {}): MeshEndpoint {
  const spiffeId = SpiffeId.of('spiffe://cluster.local/ns/default/sa/a');
  return {
    instanceId: `i${index}`,
    host: '10.0.0.1',
    port: 8080,
    protocol: 'http',
    spiffeId,
    identity: spiffeId.toString(),
    labels: {},
    address: `10.0.0.1:${index}`,
    ...more,
  };
}

export function serviceOf(endpoints: readonly MeshEndpoint[], name = 'a'): MeshService {
  return { name, namespace: 'default', host: `${name}.default.svc`, endpoints };
}

export function members(count: number, more: (index: number) => Partial<MeshEndpoint> = () => ({})): Member[] {
  return Array.from({ length: count }, (_, index) => new Member(endpoint(index, more(index)), 0));
}

/** How often each is chosen. */
export function tally(times: number, pick: () => Member | undefined): Map<string, number> {
  const counts = new Map<string, number>();
  for (let time = 0; time < times; time += 1) {
    const id = pick()?.endpoint.instanceId ?? 'none';
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}
