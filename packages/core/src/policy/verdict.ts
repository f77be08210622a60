/** What a policy of `action: AUDIT` or a dry-run policy would have said. */
export interface DryRunVerdict {
  /** "namespace/name". */
  readonly policy: string;
  readonly would: 'ALLOW' | 'DENY';
}

/** The decision about one request or connection: the same object in every answer, log and page. */
export interface Verdict {
  readonly decision: 'ALLOW' | 'DENY';
  /** "namespace/name" of the policy that decided, "" when none did. */
  readonly policy: string;
  /** Index of the rule that decided; -1 when no rule matched. */
  readonly rule: number;
  /** Action of the deciding policy; "" when none decided. */
  readonly action: 'ALLOW' | 'DENY' | 'CUSTOM' | '';
  /** One sentence a person can act on. */
  readonly reason: string;
  /** Names of matching AUDIT policies. */
  readonly audit: readonly string[];
  readonly dryRun: readonly DryRunVerdict[];
  /** "mTLS STRICT from namespace production", "plaintext PERMISSIVE from mesh istio-system". */
  readonly mode: string;
}
