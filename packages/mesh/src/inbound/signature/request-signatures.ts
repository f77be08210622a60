import type { Clock, SignatureRule } from '@rampart/core';
import type { HttpRequest } from '@rampart/spiffe/http-signature';

import type { SvidSource } from '../../identity/svid-source.ts';
import type { MeshView } from '../../view/mesh-view.ts';
import { refusal } from '../refused.ts';
import { textAnswer } from '../request/answer.ts';
import type { Answer } from '../request/answer.ts';
import type { Applicant } from '../request/applicant.ts';
import type { RequestFacts } from '../request/facts.ts';
import { whileThere } from '../request/while-there.ts';
import { KnownSigners } from './known-signers.ts';
import type { Nonces } from './nonces.ts';
import { Signed } from './signed.ts';

export interface RequestSignaturesOptions {
  readonly view: MeshView;
  readonly identity: SvidSource;
  readonly clock: Clock;
  readonly nonces: Nonces;
}

const NOTHING = new Uint8Array();
const ADVICE: Readonly<Record<number, readonly string[]>> = {
  401: ['www-authenticate', 'Signature'],
  503: ['retry-after', '1'],
};

/**
 * Judges the signatures of requests, where a RequestSignaturePolicy is about them, before anything of them is changed. Costs one
 * look where there is none.
 */
export class RequestSignatures {
  /** What remembers the signatures that came, for other processes that serve beside this one, too. */
  readonly nonces: Nonces;
  readonly #clock: Clock;
  readonly #signers: KnownSigners;

  constructor({ nonces, clock, view, identity }: RequestSignaturesOptions) {
    this.nonces = nonces;
    this.#clock = clock;
    this.#signers = new KnownSigners({ view, identity, clock });
  }

  /** Undefined where no rule is about the request; else how it is to be answered, if it goes no further. */
  check(applicant: Applicant): Promise<Answer | undefined> | undefined {
    const rules = rulesAbout(applicant);
    return rules.length === 0 ? undefined : this.#judge(applicant, Math.min(...rules.map(bodyOf)));
  }

  async #judge(applicant: Applicant, maxBody: number): Promise<Answer | undefined> {
    const { facts, isUpgrade } = applicant;
    // Before anybody else gets to change it.
    const request = requestOf(facts);
    // By then it is known whether there is a body at all.
    await import('@rampart/spiffe/http-signature');
    const body = isUpgrade
      ? { bytes: NOTHING, complete: true }
      : await whileThere(applicant, (signal) => applicant.peekBody(maxBody + 1, signal));
    const rules = rulesAbout(applicant);
    const [rule] = rules;
    if (rule === undefined) return undefined;
    if (!body.complete || body.bytes.length > maxBody) {
      return refused(413, rule, `the body has more than ${maxBody} bytes, and has to be judged with the signature`);
    }
    const keepMs = Math.max(...applicant.exchange.connection.workload.signatures.map(({ maxAgeMs }) => maxAgeMs));
    const judged = await Signed.judge(
      { request, content: body.bytes, rules, keepMs },
      { now: this.#clock.now(), nonces: this.nonces, signers: this.#signers },
    );
    if (!judged.ok) {
      const { code, reason } = judged.problem;
      return refused(code, rule, `the request's signature is refused: ${reason}`);
    }
    facts.signed = judged.value;
    return undefined;
  }
}

function rulesAbout({ exchange: { connection }, facts }: Applicant): readonly SignatureRule[] {
  const { signatures } = connection.workload;
  return signatures.length === 0 ? signatures : signatures.filter((rule) => rule.isAbout(connection.attributes, facts));
}

function bodyOf({ maxBodyBytes }: SignatureRule): number {
  return maxBodyBytes;
}

/** As its caller sent it; what ended TLS before it was https. */
function requestOf(facts: RequestFacts): HttpRequest {
  const { method, host, sentTarget } = facts;
  return { method, url: `https://${host}${sentTarget}`, fields: (name) => facts.values(name) };
}

function refused(code: number, { policy }: SignatureRule, reason: string): Answer {
  return textAnswer({ code, headers: ADVICE[code] ?? [], body: reason, verdict: { ...refusal(reason), policy } });
}
