import type { AuthorizerDemand, RequestAttributes, Verdict } from '@rampart/core';

import { asksForTokens } from './authenticate/authenticator.ts';
import type { Authenticated } from './authenticate/authenticated.ts';
import type { InboundConnection } from './connection.ts';
import type { Approval } from './external/external-authorizer.ts';
import { refusingVerdict } from './external/refusal.ts';
import type { Entry } from './limit/entry.ts';
import { refusal } from './refused.ts';
import type { Signed } from './signature/signed.ts';

/** A request with the evidence of the steps that come before authorization. */
export interface RequestToJudge extends RequestAttributes {
  /** Undefined where no policy of the workload is about tokens. */
  readonly authenticated: Authenticated | undefined;
  /** Undefined where no CUSTOM policy is about the request, and until its authorizer has been asked. */
  readonly approval: Approval | undefined;
  /** Undefined where no RequestSignaturePolicy is about the request. */
  readonly signed: Signed | undefined;
}

/** A refused request. */
export interface Denial {
  readonly denied: true;
  readonly verdict: Verdict;
}

/**
 * Evidence that policy let one request through. Only `Permit.judge` makes one, and `Entry.by` asks for one,
 * so that no path to the application can skip the decision.
 */
export class Permit {
  readonly denied = false;
  /** Private, so that nothing else has the form of a permit. */
  readonly #verdict: Verdict;
  static readonly #byVerdict = new WeakMap<Verdict, Permit>();
  static #last: Permit | undefined;

  private constructor(verdict: Verdict) {
    this.#verdict = verdict;
  }

  get verdict(): Verdict {
    return this.#verdict;
  }

  /** Judges one request on one connection: CUSTOM → DENY → ALLOW → default. Steps that left no evidence were not taken. */
  static judge(connection: InboundConnection, request: RequestToJudge, now: number): Permit | Denial {
    if (connection.peer !== undefined && now > connection.peer.notAfter) {
      const verdict = connection.refusal(now);
      if (verdict !== undefined) return { denied: true, verdict };
    }
    if (asksForTokens(connection.workload) && request.authenticated?.covers(connection.workload) !== true)
      return { denied: true, verdict: refusal('its tokens were not judged by the policies in force') };
    const unsigned = signatureRefusal(connection, request);
    if (unsigned !== undefined) return { denied: true, verdict: unsigned };
    const demand = connection.policy.demand(request);
    if (demand !== undefined && request.approval?.answers(demand) !== true)
      return { denied: true, verdict: unanswered(demand) };
    const verdict = connection.policy.evaluate(request);
    if (verdict.decision !== 'ALLOW') return { denied: true, verdict };
    return Permit.#last?.verdict === verdict ? Permit.#last : Permit.#of(verdict);
  }

  /** Allowing verdicts are shared objects: one permit each keeps the request path free of allocation. */
  static #of(verdict: Verdict): Permit {
    const permit = Permit.#byVerdict.get(verdict) ?? new Permit(verdict);
    Permit.#byVerdict.set(verdict, permit);
    Permit.#last = permit;
    return permit;
  }
}

function signatureRefusal(connection: InboundConnection, request: RequestToJudge): Verdict | undefined {
  const { signatures } = connection.workload;
  if (signatures.length === 0) return undefined;
  const left = signatures.find(
    (rule) => request.signed?.covers(rule) !== true && rule.isAbout(connection.attributes, request),
  );
  return left && { ...refusal('its signature was not judged by the policies in force'), policy: left.policy };
}

/** The verdict where no authorizer has answered what is demanded. */
export function unanswered(demand: AuthorizerDemand): Verdict {
  if (demand.kind === 'deny') return demand.verdict;
  return refusingVerdict(demand, `external authorizer "${demand.provider.name}" was not asked`);
}

/** Hands a permitted request that found room under the limits to the application. */
export function deliver<What, Result>(entry: Entry, application: (what: What) => Result, what: What): Result {
  void entry;
  return application(what);
}
