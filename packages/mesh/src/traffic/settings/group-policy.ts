import type { BalancerSettings, LocalitySettings, WarmupSettings } from './balancing.ts';
import type { FallbackSettings, LimitSettings, OutlierSettings } from './resilience.ts';

/** How the instances of a service, or of a subset of it, are used. What is absent is as without any rule. */
export interface GroupPolicy {
  readonly balancer?: BalancerSettings;
  readonly warmup?: WarmupSettings;
  readonly locality?: LocalitySettings;
  readonly outlier?: OutlierSettings;
  readonly limits?: LimitSettings;
  /** Share of requests that may be retried, 0–1, and how many may be at any time. */
  readonly retryBudget?: { readonly share: number; readonly minimum: number };
  readonly fallback?: FallbackSettings;
}
