import type { BalancerSettings, LocalitySettings, WarmupSettings } from './balancing.ts';
import type { FallbackSettings, LimitSettings, OutlierSettings } from './resilience.ts';

/** How the instances of a service, or of a subset of it, are used. What is absent is as without any rule. */
export interface GroupPolicy {
  readonly balancer?: BalancerSettings;
  readonly warmup?: WarmupSettings;
  readonly locality?: LocalitySettings;
  readonly outlier?: OutlierSettings;
  readonly limits?: LimitSettings;
  readonly fallback?: FallbackSettings;
}
