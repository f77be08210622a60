import { create } from '@bufbuild/protobuf';
import type { Revocations } from '@rampart/authority';
import { reasonNumber, type RevocationRule } from '@rampart/spiffe';
import { type RevocationRule as RuleMessage, RevocationRuleSchema } from '@rampart/wire';

/** What data planes and agents are told of revocations. */
export type ToldRevocations = Pick<Revocations, 'revokedSerials' | 'reasonOf' | 'rules' | 'rule'>;

export function ruleMessage(rule: RevocationRule): RuleMessage {
  const {
    id,
    trustDomain,
    spiffeId = '',
    namespace = '',
    issuerKeyId = '',
    notBeforeUntil,
    issuedUntil,
    reason,
  } = rule;
  return create(RevocationRuleSchema, {
    id,
    trustDomain,
    spiffeId,
    namespace,
    issuerKeyId,
    notBeforeUntil: BigInt(notBeforeUntil),
    issuedUntil: BigInt(issuedUntil),
    reason: reasonNumber(reason),
  });
}
