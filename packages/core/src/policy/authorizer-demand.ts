import type { ExtAuthzProvider } from '../resource/mesh-config/provider.ts';
import type { Verdict } from './verdict.ts';

/** What CUSTOM policies make of a request, before any other policy is asked. */
export type AuthorizerDemand =
  | {
      readonly kind: 'ask';
      readonly provider: ExtAuthzProvider;
      /** "namespace/name" of the policy that matched, and its rule. */
      readonly policy: string;
      readonly rule: number;
    }
  /** Nobody can be asked: the provider is unknown or unfit, or the workload has more than one. */
  | { readonly kind: 'deny'; readonly verdict: Verdict };
