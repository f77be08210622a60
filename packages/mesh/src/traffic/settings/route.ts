import type { CompiledRoute, RoutedRequest, WeighedDestination } from '@rampart/core';

import type { GroupPolicy } from './group-policy.ts';

/** What becomes of the requests that one route is about; those of rules, and those of the data plane's own. */
export interface RouteSettings extends Omit<CompiledRoute, 'name'> {
  /** Nothing is sent, and this is why. */
  readonly refusal?: { readonly status: number; readonly flag: string; readonly reason: string };
}

/** What rules say about one service and port to the callers of one workload. */
export interface ServiceRules {
  /** Absent where rules are about instances alone. Returns undefined for a request that no route is about. */
  readonly route?: (request: RoutedRequest) => RouteSettings | undefined;
  /** Where connections on which requests are not told apart go; absent where rules say nothing of them. */
  readonly connection?: readonly WeighedDestination[];
  policy(subset: string | undefined): GroupPolicy;
  /** Labels of the instances of a subset; undefined where there is none of that name. */
  subset(name: string): Readonly<Record<string, string>> | undefined;
}

/** All rules that one workload's calls are held to, as far as they are about services of the mesh. */
export interface TrafficRules {
  /** Undefined where no rule is about the service: nothing further is looked at then. */
  forService(namespace: string, name: string, port: number): ServiceRules | undefined;
}
