import type { CheckedInstance } from './checked-instance.ts';
import type { CheckDefinition, CheckStatus } from './check.ts';

/** What one run of a check found. */
export interface ProbeResult {
  readonly status: CheckStatus;
  /** Of any length; 4 KiB are kept. */
  readonly output: string;
}

/**
 * Runs a check once: the network, or a process. It aims at the host of the instance and nowhere else, ends soon after the
 * signal, and never rejects for what the instance did: that is critical.
 */
export type Probe = (instance: CheckedInstance, check: CheckDefinition, signal: AbortSignal) => Promise<ProbeResult>;
