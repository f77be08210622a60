import type { GroupPolicy } from './group-policy.ts';
import type { FaultSettings, RetrySettings } from './resilience.ts';

/** What rules look at in a request. */
export interface RequestLine {
  readonly method: string;
  /** In origin form, with its query. */
  readonly url: string;
  readonly authority: string;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** First names are removed, then set, then added beside what is there. */
export interface HeaderOperations {
  readonly remove: readonly string[];
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
}

export interface HeaderSettings {
  readonly request?: HeaderOperations;
  readonly response?: HeaderOperations;
}

/** Where requests go: a service of the mesh, or a part of its instances. */
export interface RouteDestination {
  /** As the application would name it. */
  readonly host: string;
  readonly subset?: string;
  /** The port of the request unless given. */
  readonly port?: number;
}

export interface WeightedDestination extends RouteDestination {
  readonly weight: number;
  readonly headers?: HeaderSettings;
}

export interface MirrorSettings extends RouteDestination {
  /** 0–1. */
  readonly share: number;
}

/** An answer that no instance is asked for. */
export interface OwnAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

/** What one route does with the requests that it is about (Istio `HTTPRoute`). */
export interface RouteSettings {
  /** Weights are shares of their sum. */
  readonly destinations: readonly WeightedDestination[];
  /** A redirect or a direct response: nothing is sent. */
  answer?(request: RequestLine): OwnAnswer;
  /** Nothing is sent, and this is why. */
  readonly refusal?: { readonly status: number; readonly flag: string; readonly reason: string };
  /** The target to send in place of the request's. */
  rewriteUrl?(url: string): string;
  readonly authority?: string;
  readonly timeoutMs?: number;
  readonly retries?: RetrySettings;
  readonly fault?: FaultSettings;
  readonly mirrors?: readonly MirrorSettings[];
  readonly headers?: HeaderSettings;
}

/** What rules say about one service and port to the callers of one workload. */
export interface ServiceRules {
  /** Absent where rules are about instances alone. Returns undefined for a request that no route is about. */
  route?(request: RequestLine): RouteSettings | undefined;
  policy(subset: string | undefined): GroupPolicy;
  /** Labels of the instances of a subset; undefined where there is none of that name. */
  subset(name: string): Readonly<Record<string, string>> | undefined;
}

/** All rules that one workload's calls are held to. */
export interface TrafficRules {
  /** Undefined where no rule is about the service: nothing further is looked at then. */
  forService(namespace: string, name: string, port: number): ServiceRules | undefined;
}
