import type { Clock, Verdict } from '@rampart/core';

import { Permit } from './authorize.ts';
import { Entry } from './limit/entry.ts';
import type { RequestLimits } from './limit/request-limits.ts';
import { DENIED_BODY } from './refused.ts';
import { textAnswer } from './request/answer.ts';
import type { Answer } from './request/answer.ts';
import type { InboundExchange } from './request/exchange.ts';
import type { RequestFacts } from './request/facts.ts';

export interface Admission {
  readonly limits: RequestLimits;
  readonly clock: Clock;
}

/**
 * authorize → limit: the evidence that `deliver` asks for, or how the request is to be answered. The verdict of an admitted
 * request is on its exchange.
 */
export function admit({ limits, clock }: Admission, exchange: InboundExchange, facts: RequestFacts): Entry | Answer {
  const judgement = Permit.judge(exchange.connection, facts, clock.now());
  if (judgement.denied) return textAnswer({ code: 403, body: DENIED_BODY, verdict: judgement.verdict });
  exchange.verdict = withDoubt(judgement.verdict, facts);
  return Entry.by(limits, { permit: judgement, exchange, facts });
}

/** The record of a request that nobody could be asked about says why it passed. */
function withDoubt(verdict: Verdict, { approval }: RequestFacts): Verdict {
  return approval === undefined || approval.failedOpen === '' ? verdict : { ...verdict, reason: approval.failedOpen };
}
