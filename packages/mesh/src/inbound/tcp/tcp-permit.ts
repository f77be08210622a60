import { qualifiedName } from '@rampart/core';
import type { ServiceTokenPolicy, Verdict, WorkloadPolicy } from '@rampart/core';

import { unanswered } from '../authorize.ts';
import type { Denial } from '../authorize.ts';
import type { InboundConnection } from '../connection.ts';
import type { Approval } from '../external/external-authorizer.ts';
import { refusal } from '../refused.ts';

/**
 * Evidence that policy let one connection through that carries something else than HTTP. Only `TcpPermit.judge` makes
 * one, and `deliverConnection` asks for one, so that no path to the application can skip the decision.
 */
export class TcpPermit {
  readonly denied = false;
  readonly verdict: Verdict;
  readonly #connection: InboundConnection;

  private constructor(connection: InboundConnection, verdict: Verdict) {
    this.#connection = connection;
    this.verdict = verdict;
  }

  /** The one connection that it is about. */
  get connection(): InboundConnection {
    return this.#connection;
  }

  /**
   * Judges a whole connection: identity, PeerAuthentication, NetworkPolicy, then CUSTOM → DENY → ALLOW → default by what
   * is left of the policies without HTTP (Istio). `approval` is undefined until an authorizer was asked.
   */
  static judge(connection: InboundConnection, approval: Approval | undefined, now: number): TcpPermit | Denial {
    const refusal =
      connection.refusal(now) ?? tokenRefusal(connection.workload) ?? signatureRefusal(connection.workload);
    if (refusal !== undefined) return { denied: true, verdict: refusal };
    const demand = connection.policy.demandTcp();
    if (demand !== undefined && approval?.answers(demand) !== true) {
      return { denied: true, verdict: unanswered(demand) };
    }
    const verdict = connection.policy.evaluateTcp();
    return verdict.decision === 'ALLOW' ? new TcpPermit(connection, verdict) : { denied: true, verdict };
  }
}

/** Hands a permitted connection to whoever carries its bytes to the application. */
export function deliverConnection<Result>(
  permit: TcpPermit,
  application: (connection: InboundConnection) => Result,
): Result {
  return application(permit.connection);
}

/** A ServiceTokenPolicy asks every caller for a token; RequestAuthentication asks nobody, and judges what it is shown. */
function tokenRefusal({ serviceTokens: [policy] }: WorkloadPolicy): Verdict | undefined {
  return policy && tokenVerdict(policy);
}

function tokenVerdict(policy: ServiceTokenPolicy): Verdict {
  const name = qualifiedName(policy);
  const reason = `ServiceTokenPolicy ${name} asks for a token, which a connection without HTTP cannot carry`;
  return { ...refusal(reason), policy: name };
}

/** Bytes without HTTP carry no signature; which requests a rule is about, nobody can tell of them. */
function signatureRefusal({ signatures: [rule] }: WorkloadPolicy): Verdict | undefined {
  if (rule === undefined) return undefined;
  const reason = `RequestSignaturePolicy ${rule.policy} asks for signed requests, which a connection without HTTP cannot carry`;
  return { ...refusal(reason), policy: rule.policy };
}
