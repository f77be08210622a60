import type { CompiledFault, CompiledRetries } from '@rampart/core';

/** When an instance is left out for a while because of how it answered (Istio `outlierDetection`). 0 turns a count off. */
export interface OutlierSettings {
  readonly consecutive5xx: number;
  /** 502, 503 and 504. */
  readonly consecutiveGateway: number;
  /** Errors without an answer, where they are counted apart; 0: they count as answers of the gateway do. */
  readonly consecutiveLocal: number;
  /** A full interval without ejection forgives one earlier ejection. */
  readonly intervalMs: number;
  /** Times how often it was ejected. */
  readonly baseEjectionMs: number;
  /** 300 s unless given. */
  readonly maxEjectionMs?: number;
  /** Instances that may be out at a time, of all: 0–100. */
  readonly maxEjectionPercent: number;
  /** With fewer instances in than this, 0–100, every instance is given requests; 0 turns that off. */
  readonly minHealthPercent: number;
}

/** Requests that a group of instances is given at a time (Istio `connectionPool`); what is absent is not limited. */
export interface LimitSettings {
  /** Requests under way. */
  readonly requests?: number;
  /** Requests that wait until one of those is over; 0: none waits. */
  readonly pending?: number;
  /** Requests under way that are retries. */
  readonly retries?: number;
  /** In place of `retries`: share of the requests under way that may be retries, 0–1, and how many may be in any case. */
  readonly retryBudget?: { readonly share: number; readonly minimum: number };
}

/** When a request is sent again. The first pause doubles, up to ten times `backoffMs` (25 unless given), and is jittered. */
export type RetrySettings = CompiledRetries;

/** Faults that are put in on purpose (Istio `HTTPFaultInjection`). */
export type FaultSettings = CompiledFault;

/** What a caller is given while every instance is out. */
export interface FallbackSettings {
  /** An answer that is always the same. */
  readonly response?: {
    readonly status: number;
    readonly headers: readonly (readonly [name: string, value: string])[];
    readonly body: string;
  };
  /** The last good answer to the same GET, no older than this. */
  readonly staleMs?: number;
}
