import type { CheckKind, CheckStatus } from './check.ts';

/** A check as somebody asks for it; what is left out is filled in by `checkDefinitions`. */
export interface CheckRequest {
  /** "service:<instance id>" unless given, with ":2", ":3" … for the next (Consul). */
  readonly checkId?: string;
  /** The check id unless given. */
  readonly name?: string;
  readonly kind: CheckKind;
  /** 10 000 unless given, 30 000 for scripts. */
  readonly intervalMs?: number;
  /** 10 000 unless given, 30 000 for scripts (Consul), and never more than the interval. */
  readonly timeoutMs?: number;
  /** 0 unless given. */
  readonly successBeforePassing?: number;
  /** Same as `failuresBeforeCritical` unless given. */
  readonly failuresBeforeWarning?: number;
  /** 0 unless given. */
  readonly failuresBeforeCritical?: number;
  /** "critical" unless given. */
  readonly initialStatus?: CheckStatus;
  /** Run by the agent of the instance's host; by the control plane unless given. */
  readonly runBy?: 'agent';
}
