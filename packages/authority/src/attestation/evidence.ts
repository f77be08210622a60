import type { Attestor, Result } from '@rampart/core';

/** A certificate of another authority, and proof that its key is at hand. */
export interface X509PopEvidence {
  readonly kind: 'x509pop';
  /** DER, leaf first. */
  readonly chain: readonly Uint8Array[];
  readonly nonce: Uint8Array;
  readonly signature: Uint8Array;
}

/** A token of an OpenID Connect issuer. */
export interface JwtEvidence {
  readonly kind: 'jwt';
  readonly token: string;
}

/** A signed GetCallerIdentity request to AWS STS. */
export interface AwsIamEvidence {
  readonly kind: 'aws_iam';
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly nonce: Uint8Array;
}

export type Evidence = X509PopEvidence | JwtEvidence | AwsIamEvidence;

/** What evidence was found to prove. */
export interface Attested {
  readonly attestor: Attestor;
  /** "type:value". */
  readonly selectors: readonly string[];
  /** What an agent with this evidence is called, below /agent/: "x509pop/<fingerprint>". */
  readonly agentPath: string;
  /** Of this evidence: it counts once; absent where the attestor allows more. */
  readonly once?: EvidenceUse;
}

export interface EvidenceUse {
  /** Hex SHA-256 of what must not come again. */
  readonly hash: string;
  /** Unix milliseconds until which it would be believed. */
  readonly until: number;
  /** Rule that is broken when it does come again. */
  readonly rule: string;
}

/** Why evidence is not believed. */
export interface EvidenceProblem {
  /** "jwt-expired": stable, for people and tests. */
  readonly rule: string;
  /** Holds nothing secret. */
  readonly message: string;
}

/** What evidence is judged against beside attestors. */
export interface AttestationContext {
  /** Request that the certificate is asked for with. */
  readonly csr: Uint8Array;
  /** Unix milliseconds. */
  readonly now: number;
}

/** Evidence that is not believed. */
export type Disbelief = Extract<Result<never, EvidenceProblem>, { readonly ok: false }>;

export function disbelieve(rule: string, message: string): Disbelief {
  return { ok: false, problem: { rule, message } };
}
