import {
  compileNamespaces,
  compilePrincipals,
  compileServiceAccounts,
  compileTrustDomains,
  exactPrincipals,
  type TrustDomains,
} from '../../match/identity.ts';
import type { IpAddress } from '../../match/address/ip-block.ts';
import { compileTextPatterns, type TextTest } from '../../match/text-patterns.ts';
import type { ConnectionCheck, ConnectionFacts, Subject } from './check.ts';
import { checksOf, compileBlocks, type FieldValues } from './field-values.ts';
import { DESTINATION_IP, PORT, PRINCIPAL, SNI, SOURCE_IP } from './subjects.ts';

export interface CheckContext {
  readonly policyNamespace: string;
  readonly trustDomains: TrustDomains;
}

export function principalChecks(field: FieldValues, { trustDomains }: CheckContext): ConnectionCheck[] {
  const principals = exactPrincipals(field.values ?? [], trustDomains);
  return identityChecks(field, (values) => compilePrincipals(values, trustDomains)).map((check) =>
    check.negated || principals === undefined ? check : { ...check, principals },
  );
}

export function namespaceChecks(field: FieldValues): ConnectionCheck[] {
  return identityChecks(field, compileNamespaces);
}

export function serviceAccountChecks(field: FieldValues, { policyNamespace }: CheckContext): ConnectionCheck[] {
  return identityChecks(field, (values) => compileServiceAccounts(values, policyNamespace));
}

export function trustDomainChecks(field: FieldValues, { trustDomains }: CheckContext): ConnectionCheck[] {
  return identityChecks(field, (values) => compileTrustDomains(values, trustDomains));
}

export function sourceIpChecks(field: FieldValues): ConnectionCheck[] {
  return ipChecks(field, SOURCE_IP, (facts) => facts.sourceIp);
}

export function destinationIpChecks(field: FieldValues): ConnectionCheck[] {
  return ipChecks(field, DESTINATION_IP, (facts) => facts.destinationIp);
}

export function portChecks(field: FieldValues): ConnectionCheck[] {
  return checksOf<ConnectionFacts>(field, PORT, (values) => {
    const ports = new Set(values.map(Number));
    return (facts) => ports.has(facts.attributes.destinationPort);
  });
}

export function serverNameChecks(field: FieldValues): ConnectionCheck[] {
  return checksOf<ConnectionFacts>(field, SNI, (values) => {
    const test = compileTextPatterns(values, 'non-empty');
    return (facts) => test(facts.attributes.sni);
  });
}

/** No verified identity matches no value: `notPrincipals: ["*"]` is how a policy names plaintext. */
function identityChecks(field: FieldValues, compile: (values: readonly string[]) => TextTest): ConnectionCheck[] {
  return checksOf<ConnectionFacts>(field, PRINCIPAL, (values) => {
    const test = compile(values);
    return ({ attributes: { principal } }) => principal !== undefined && test(principal);
  });
}

function ipChecks(
  field: FieldValues,
  subject: Subject,
  read: (facts: ConnectionFacts) => IpAddress | undefined,
): ConnectionCheck[] {
  return checksOf<ConnectionFacts>(field, subject, (values) => {
    const isInside = compileBlocks(field, values);
    return (facts) => isInside(read(facts));
  });
}
