import type { RequestAttributes, TokenFacts } from '../../attributes.ts';
import { claimReader, claimText } from '../../match/claims.ts';
import { keepingLast } from '../../match/last-answer.ts';
import { compileRequestPrincipals } from '../../match/request-principal.ts';
import { compileTextSets } from '../../match/text-patterns.ts';
import type { RequestCheck } from './check.ts';
import { checksOf, type FieldValues } from './field-values.ts';
import { claimSubject, REQUEST_PRINCIPAL } from './subjects.ts';

const namesIn = keepingLast((token: TokenFacts) => ({
  issuer: claimText(token, 'iss'),
  subject: claimText(token, 'sub'),
}));

/** No verified token matches no value: `notRequestPrincipals: ["*"]` is how a policy names requests without one. */
export function requestPrincipalChecks(field: FieldValues): RequestCheck[] {
  return checksOf<RequestAttributes>(field, REQUEST_PRINCIPAL, (values) => {
    const test = compileRequestPrincipals(values);
    return ({ token }) => {
      if (token === undefined) return false;
      const { issuer, subject } = namesIn(token);
      return issuer !== undefined && subject !== undefined && test(issuer, subject);
    };
  });
}

export function claimChecks(field: FieldValues, path: readonly string[]): RequestCheck[] {
  const textsOf = claimReader(path);
  return checksOf<RequestAttributes>(field, claimSubject(path), (values) => {
    const matches = compileTextSets(values);
    return ({ token }) => token !== undefined && matches(textsOf(token));
  });
}
