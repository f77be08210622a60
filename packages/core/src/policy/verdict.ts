/** What a policy of `action: AUDIT` or a dry-run policy would have said. */
export interface DryRunVerdict {
  /** "namespace/name". */
  readonly policy: string;
  readonly would: 'ALLOW' | 'DENY';
}

/** The decision about one request or connection: the same object in every answer, log and page. */
export interface Verdict {
  readonly decision: 'ALLOW' | 'DENY';
  /** "namespace/name" of the policy that decided, or of the ALLOW policy that came closest to allowing; "" when there is none. */
  readonly policy: string;
  /** Index of the rule that decided, or came closest; -1 when there is none. */
  readonly rule: number;
  /** Action of that policy; "" for the default, for PeerAuthentication and for refusals. */
  readonly action: 'ALLOW' | 'DENY' | 'CUSTOM' | '';
  /** One sentence a person can act on. */
  readonly reason: string;
  /** Names of matching AUDIT policies. */
  readonly audit: readonly string[];
  readonly dryRun: readonly DryRunVerdict[];
  /** The decision if all dry-run policies were enforced together with the others; "" when none is about the workload. */
  readonly dryRunDecision: 'ALLOW' | 'DENY' | '';
  /** "mTLS STRICT from namespace production", "plaintext PERMISSIVE from mesh istio-system". */
  readonly mode: string;
}
