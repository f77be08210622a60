import type { RequestSignaturePolicy } from '../../resource/resource.ts';
import type { TrafficResource } from '../../traffic/visibility.ts';
import { reviewDestinations } from './destinations.ts';
import type { TrafficFinding } from './finding.ts';
import { KnownHosts, type TrafficSurroundings } from './known-hosts.ts';
import { reviewPolicies, reviewTimes } from './policies.ts';
import { reviewBreadth } from './breadth.ts';
import { reviewHosts } from './rule-hosts.ts';
import { reviewSignedHosts } from './signed-hosts.ts';

/**
 * Looks at rules about calls as they will be in force together: hosts and subsets that are not there, rules that contradict each
 * other, and those that say more than their namespace may (as `istioctl analyze` does, and beyond).
 */
export class TrafficReview {
  readonly #known: KnownHosts;

  constructor(surroundings: TrafficSurroundings) {
    this.#known = new KnownHosts(surroundings);
  }

  /** What is to be said of one of them; errors are reasons not to have it. */
  of(rule: TrafficResource | RequestSignaturePolicy): TrafficFinding[] {
    if (rule.kind === 'RequestSignaturePolicy') return reviewSignedHosts(rule, this.#known);
    const hosts = reviewHosts(rule, this.#known);
    switch (rule.kind) {
      case 'VirtualService':
        return [...hosts, ...reviewDestinations(rule, this.#known), ...reviewTimes(rule)];
      case 'DestinationRule':
        return [...hosts, ...reviewPolicies(rule, this.#known)];
      case 'ServiceEntry':
        return [...hosts, ...reviewBreadth(rule, this.#known)];
      case 'Fallback':
        return hosts;
    }
  }
}
