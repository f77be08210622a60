/** One thing that must be so, and what was seen. */
export interface Expectation {
  readonly name: string;
  readonly expected: string;
  readonly observed: string;
  readonly ok: boolean;
}

/** An expectation that holds when what was seen reads the same as what was expected. */
export function expectation(name: string, expected: string, observed: string): Expectation {
  return { name, expected, observed, ok: expected === observed };
}

/** What one run of the scenario came to. */
export interface ScenarioReport {
  readonly expectations: readonly Expectation[];
  /** Requests on record, as the services that answered them reported them. */
  readonly requests: number;
  /** Of those, denied by policy. */
  readonly denied: number;
  /** Connections refused because they were plaintext where mutual TLS is required. */
  readonly plaintext_rejected: number;
  /** Requests that came in over mutual TLS. */
  readonly mtls: number;
  /** Milliseconds from the start of the process to the first answer to a user. */
  readonly ready_ms: number;
  /** Services that this machine has no program for, one sentence each. */
  readonly left_out: readonly string[];
  readonly ok: boolean;
}
