import type { Random } from '@rampart/core';

import type { BalancerSettings, WarmupSettings } from '../settings/balancing.ts';
import { LeastRequest } from './least-request.ts';
import { Maglev } from './maglev.ts';
import type { Member } from './member.ts';
import { RandomChoice } from './random-choice.ts';
import { RingHash } from './ring-hash.ts';
import { RoundRobin } from './round-robin.ts';
import { Warmth } from './warmth.ts';

/** Chooses one of some instances, in a time that hardly depends on how many they are. */
export interface Balancer {
  /** `hash` is of the request, 32 bits; where it is absent any instance will do. Undefined where there are none. */
  pick(now: number, hash: number | undefined): Member | undefined;
}

export interface BalancerOptions {
  readonly settings: BalancerSettings;
  readonly warmup: WarmupSettings | undefined;
  readonly random: Random;
}

/** Of the instances of our mesh without a rule, too. */
export const DEFAULT_BALANCER: BalancerSettings = { kind: 'least-request' };

export function createBalancer(members: readonly Member[], options: BalancerOptions): Balancer {
  const { settings, random } = options;
  const warmth = options.warmup === undefined ? undefined : new Warmth(options.warmup, members, random);
  switch (settings.kind) {
    case 'round-robin':
      return new RoundRobin(members, warmth, random);
    case 'random':
      return new RandomChoice(members, warmth, random);
    case 'least-request':
      return new LeastRequest(members, { settings, warmth, random });
    case 'hash':
      return settings.table === 'ring'
        ? new RingHash(members, settings.size, random)
        : new Maglev(members, settings.size, random);
  }
}
